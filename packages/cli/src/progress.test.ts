import { describe, expect, it } from "vitest";
import { bar, progressLine, progressPrinter } from "./progress.ts";

const detail = "loss 0.4312  3 of 72 heads closed  1486 tokens/s";

describe("a progress bar", () => {
  it("says where a run stands, how fast it is and how long it has left", () => {
    const line = progressLine({ what: "step", done: 250, total: 1000, detail }, 1.9);
    expect(line).toBe("step 250/1000  loss 0.4312  3 of 72 heads closed  1486 tokens/s  1.9/s  6:35 left");
    expect(progressLine({ what: "step", done: 1, total: 9001 }, 0.5)).toBe("step 1/9001  0.5/s  5:00:00 left");
    expect(progressLine({ what: "bytes", done: 5e6, total: 1e7 }, 1e6)).toBe("bytes 50 %  0:05 left");
    expect(progressLine({ what: "step", done: 3, total: 3, detail }, 2)).toBe(`step 3/3  ${detail}  2.0/s`);
    expect(bar(0.5, 4)).toBe("██░░");
  });

  it("counts a run that goes on from a checkpoint from there", () => {
    let [time, text] = [0, ""];
    const print = progressPrinter((more) => (text += more), { terminal: false, every: 1, now: () => time });
    for (const done of [81, 82, 83, 84]) {
      print({ what: "step", done, total: 90 });
      time += 2;
    }
    // A step takes two seconds, whatever was done before.
    expect(text.trim().split("\n").at(-1)).toBe("step 84/90  0.5/s  0:12 left");
  });

  it("counts a second run of the same task from its own start", () => {
    let [time, text] = [0, ""];
    const print = progressPrinter((more) => (text += more), { terminal: false, every: 1, now: () => time });
    for (const done of [1, 2, 3, 1, 2]) {
      print({ what: "cola step", done, total: 3 });
      time += done === 3 ? 100 : 2;
    }
    expect(text.trim().split("\n").at(-1)).toBe("cola step 2/3  0.5/s  0:02 left");
  });

  it("stays in its line on a terminal, and ends it", () => {
    let [time, text] = [0, ""];
    const print = progressPrinter((more) => (text += more), { terminal: true, now: () => time });
    for (const done of [1, 2, 3]) {
      print({ what: "step", done, total: 3, detail });
      time += 1;
    }
    expect(text.match(/\r/g)).toHaveLength(2);
    expect(text.match(/\n/g)).toHaveLength(1);
    expect(text).toContain("3 of 72 heads closed");
  });
});
