import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describeData } from "@pruning-bias/oracle";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { readCrowsPairs } from "./crows-pairs.ts";
import { downloadTest } from "./download.ts";
import { publishedFiles, publishedTests } from "./published.ts";
import { readStereoSet } from "./stereoset.ts";
import { readWinoBias } from "./winobias.ts";

const dir = temporaryDir();
const written = (name: string, text: string): string => {
  const path = join(dir(), name);
  writeFileSync(path, text);
  return path;
};

const header = ",sent_more,sent_less,stereo_antistereo,bias_type\n";

describe("CrowS-Pairs", () => {
  it("are read with quotes and commas, of one type if asked for", async () => {
    const rows = '0,"A, ""b""",C.,stereo,gender\n1,D.,E.,antistereo,age\n';
    const path = written("crows.csv", header + rows);
    expect(await readCrowsPairs(path, "gender")).toEqual([
      { row: 0, more: 'A, "b"', less: "C.", direction: "stereo", biasType: "gender" },
    ]);
    expect((await readCrowsPairs(path)).map(({ row, direction }) => [row, direction])).toEqual([
      [0, "stereo"],
      [1, "antistereo"],
    ]);
    await expect(readCrowsPairs(path, "size")).rejects.toThrow(
      /crows\.csv: expected CrowS-Pairs of type size, found no row$/,
    );
  });

  test.each([
    ["empty.csv", "", /empty\.csv: expected CrowS-Pairs, got an empty file$/],
    ["header.csv", header, /header\.csv: expected CrowS-Pairs, found no row$/],
    ["other.csv", "a,b\n1,2\n", /other\.csv: expected CrowS-Pairs, at 0\.sent_more: .+$/],
    ["cut.csv", `${header}0,"A`, /cut\.csv: expected CrowS-Pairs, got a broken CSV: .+$/],
    ["side.csv", `${header}0,A.,B.,left,gender\n`, /side\.csv: expected CrowS-Pairs, at 0\.stereo_antistereo: .+$/],
  ])("%s is refused in one line", async (name, text, message) => {
    const error = await readCrowsPairs(written(name, text)).catch((error: Error) => error);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain("\n");
  });
});

const sentence = (label: string, text: string) => ({ id: `id-${label}`, sentence: text, gold_label: label });
const example = {
  id: "1",
  target: "girl",
  bias_type: "gender",
  context: "A girl is BLANK.",
  sentences: [
    sentence("stereotype", "A girl is soft."),
    sentence("anti-stereotype", "A girl is determined."),
    sentence("unrelated", "A girl is fish."),
  ],
};

describe("StereoSet", () => {
  it("gives the word in BLANK's place, without punctuation, of the published form and of lists", async () => {
    const file = { version: "1", data: { intrasentence: [example], intersentence: [] } };
    const [read] = await readStereoSet(written("dev.json", JSON.stringify(file)));
    expect(read).toMatchObject({ id: "1", target: "girl", biasType: "gender" });
    expect(read!.sentences["anti-stereotype"]).toEqual({
      id: "id-anti-stereotype",
      sentence: "A girl is determined.",
      word: "determined",
    });
    const { sentences, ...rest } = example;
    const data = Object.fromEntries(sentences.map(({ gold_label, ...own }) => [gold_label, own]));
    const list = written("list.json", JSON.stringify([{ ...rest, data }]));
    expect(await readStereoSet(list)).toEqual([read]);
  });

  test.each([
    ["nothing.json", "", /nothing\.json: expected StereoSet, got an empty file$/],
    ["half.json", '{"data"', /half\.json: expected StereoSet, got .+$/],
    ["none.json", '{"data":{"intrasentence":[]}}', /none\.json: expected StereoSet, at data\.intrasentence: .+$/],
    ["list0.json", "[]", /list0\.json: expected StereoSet, at its top: .+$/],
    [
      "blank.json",
      JSON.stringify([{ ...example, context: "A girl is." }]),
      /blank\.json: expected StereoSet, at 0\.context: .+$/,
    ],
    [
      "two.json",
      JSON.stringify([{ ...example, sentences: example.sentences.slice(0, 2) }]),
      /two\.json: expected StereoSet, at example 1: no sentence with the label unrelated$/,
    ],
    [
      "short.json",
      JSON.stringify([{ ...example, sentences: [...example.sentences, sentence("unrelated", "Fish.")] }]),
      /short\.json: expected StereoSet, at example 1: a word 4 in "Fish\.", where BLANK is$/,
    ],
  ])("%s is refused in one line", async (name, text, message) => {
    const error = await readStereoSet(written(name, text)).catch((error: Error) => error);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain("\n");
  });
});

describe("WinoBias", () => {
  it("gives pairs that differ in their pronouns alone", async () => {
    const pro = written("pro.txt", "1 [The cook] said [she] burnt [her] hand.\n2 [The cook] said [she] ate.\n");
    const anti = written("anti.txt", "1 [The cook] said [he] burnt [his] hand.\n2 [The cook] said [he] drank.\n");
    expect(await readWinoBias(pro, anti)).toEqual({
      pairs: [
        {
          line: 1,
          texts: ["The cook said ", " burnt ", " hand."],
          pro: ["she", "her"],
          anti: ["he", "his"],
          gender: "female",
        },
      ],
      skipped: [2],
    });
  });

  it("is refused in one line", async () => {
    const good = written("good.txt", "1 [The cook] said [she] ate.\n");
    const more = written("more.txt", "1 [The cook] said [he] ate.\n2 [The cook] said [he] ate.\n");
    const none = written("none.txt", "1 The cook ate.\n");
    const empty = written("empty.txt", "");
    await expect(readWinoBias(good, more)).rejects.toThrow(/more\.txt: expected 1 sentences as in .+good\.txt, got 2$/);
    await expect(readWinoBias(good, none)).rejects.toThrow(/none\.txt:1: expected a sentence of WinoBias .+$/);
    await expect(readWinoBias(empty, good)).rejects.toThrow(/empty\.txt: expected WinoBias, got an empty file$/);
    await expect(readWinoBias(good, good)).rejects.toThrow(/good\.txt: expected the sentences of .+, got none$/);
  });
});

describe("downloadTest", () => {
  let server: Server;
  let origin = "";
  let body = "one\n";
  beforeAll(async () => {
    server = createServer((_, response) => response.end(body));
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  it("compares size and hash, and keeps nothing that differs", async () => {
    const url = `${origin}/test.csv`;
    const gitBlob = createHash("sha1").update("blob 4\0one\n").digest("hex");
    const known = { [url]: { bytes: 4, gitBlob } };
    const path = await downloadTest({ url, cacheDir: dir(), known });
    expect(existsSync(path)).toBe(true);
    // A copy that was changed in the cache is fetched again.
    writeFileSync(path, "two\n");
    expect(await downloadTest({ url, cacheDir: dir(), known })).toBe(path);
    expect(readFileSync(path, "utf8")).toBe("one\n");
    body = "another\n";
    writeFileSync(path, "two\n");
    await expect(downloadTest({ url, cacheDir: dir(), known })).rejects.toThrow("got 8 bytes of");
    // Of other files nothing is known.
    await expect(downloadTest({ url: `${origin}/mine.csv`, cacheDir: dir() })).resolves.toMatch(/mine\.csv$/);
  });

  it("knows every published test", () => {
    expect(Object.values(publishedTests).filter((url) => publishedFiles[url] === undefined)).toEqual([]);
  });
});

describeData("the published sets", "intrinsic", (folder) => {
  it("read", async () => {
    const file = (name: string) => join(folder, name);
    expect(await readCrowsPairs(file("crows_pairs_anonymized.csv"), "gender")).toHaveLength(262);
    expect(await readStereoSet(file("stereoset_gender_test.json"))).not.toHaveLength(0);
    const { pairs, skipped } = await readWinoBias(
      file("winobias_pro_type1.test.txt"),
      file("winobias_anti_type1.test.txt"),
    );
    expect(pairs.length + skipped.length).toBe(396);
    expect(skipped.length).toBeLessThan(12);
  });
});
