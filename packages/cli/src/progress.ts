import type { Progress } from "./commands/context.ts";

/** Prints where a long run stands: a bar in place on a terminal, else a line every few seconds. */
export function progressPrinter(
  write: (text: string) => void,
  {
    terminal,
    every = 5,
    now = () => performance.now() / 1000,
  }: { terminal: boolean; every?: number; now?: () => number },
): (state: Progress) => void {
  let what = "";
  let [started, printed, first, before] = [0, -Infinity, 0, 0];
  return (state) => {
    const time = now();
    // The next seed of a task is a run of its own, which starts where the last one did.
    if (state.what !== what || state.done < before)
      [what, started, printed, first] = [state.what, time, time, state.done];
    before = state.done;
    const last = state.done >= state.total;
    if (!last && time - printed < (terminal ? 0.2 : every)) return;
    printed = time;
    const line = progressLine(state, (state.done - first) / Math.max(time - started, 1e-6));
    write(terminal ? `\r${bar(state.done / state.total)} ${line}\u001b[K${last ? "\n" : ""}` : `${line}\n`);
  };
}

/** `████████░░░░░░░░`: how much of it is done. */
export function bar(share: number, width = 16): string {
  const done = Math.round(Math.min(1, share) * width);
  return "█".repeat(done) + "░".repeat(width - done);
}

/** `step 250/1000  loss 0.4312  1.9/s  6:34 left`. */
export function progressLine({ what, done, total, detail }: Progress, rate: number): string {
  const big = total > 1e6;
  const position = big ? `${Math.floor((100 * done) / total)} %` : `${done}/${total}`;
  const speed = big || rate === 0 ? [] : [`${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`];
  const left = rate === 0 || done >= total ? [] : [`${duration((total - done) / rate)} left`];
  return [`${what} ${position}`, ...(detail === undefined ? [] : [detail]), ...speed, ...left].join("  ");
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
