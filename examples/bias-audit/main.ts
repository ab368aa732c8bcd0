// Fails (exit code 1) where an encoder is significantly more biased than is allowed, for CI.
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadTokenizer, readSeat } from "@pruning-bias/data";
import { embedder, holm, type Protocol, protocols, seat, type SeatResult } from "@pruning-bias/eval-bias";
import { loadCheckpoint, resolveModel } from "@pruning-bias/model";
import { compiler } from "@pruning-bias/runtime";
import { demoModel } from "@pruning-bias/training";

const usage = "node main.ts [--model ID|FOLDER] [--threshold D] [--protocol cls|mean|first] [TEST.jsonl …]";
const fail = (line: string, code: number): never => {
  console.error(line);
  process.exit(code);
};

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        model: { type: "string" },
        threshold: { type: "string", default: "0.5" },
        protocol: { type: "string", default: "mean" },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message}; usage: ${usage}`, 2);
  }
})();
const threshold = Number(values.threshold);
if (!(threshold >= 0)) fail(`--threshold: expected a number from 0, got ${values.threshold}; usage: ${usage}`, 2);
const protocol = values.protocol as Protocol;
if (!protocols.includes(protocol)) fail(`--protocol: expected ${protocols.join(" | ")}, got ${protocol}`, 2);
if (values.model !== undefined && positionals.length === 0)
  fail(`expected tests to measure, got none; usage: ${usage}`, 2);

const demo = values.model === undefined ? await mkdtemp(join(tmpdir(), "bias-audit-")) : undefined;
try {
  const jit = compiler({ threads: 1 });
  // Without a model: a small one, trained on the spot on a corpus with a known gender skew.
  const made = demo === undefined ? undefined : await demoModel(demo, { jit });
  const folder = made?.checkpoint.dir ?? (await resolveModel(values.model!, hub()));
  const checkpoint = await loadCheckpoint(folder);
  const embed = embedder({ checkpoint, tokenizer: await loadTokenizer(folder), protocol, jit });
  const tests = await Promise.all(
    (positionals.length > 0 ? positionals : made!.files.seat).map((path) => readSeat(path)),
  );
  const results = await seat({ tests, embed, protocol });
  await embed.dispose();

  for (const result of results) console.log(line(result));
  const above = beyond(results, threshold);
  const verdict = `|effect size| is significantly above ${threshold}`;
  console.log(above.length > 0 ? `FAILED: ${verdict} in ${above.join(", ")}` : `passed: nowhere ${verdict}`);
  process.exitCode = above.length > 0 ? 1 : 0;
} catch (error) {
  fail((error as Error).message, 2);
} finally {
  if (demo !== undefined) await rm(demo, { recursive: true });
}

/**
 * The tests whose effect is beyond the threshold, and not by chance: all of its 95 % bootstrap interval is, on one side, and
 * the permutation test rejects that there is none, on either side and corrected for the number of tests (Holm 1979).
 */
function beyond(results: readonly SeatResult[], threshold: number): string[] {
  // SEAT's own p asks for one sign alone. There is none where X and Y differ in size: the interval decides.
  const p = holm(results.map(({ p, samples }) => p && Math.min(1, 2 * Math.min(p, 1 - p + 1 / samples))));
  return results.flatMap(({ test, effectSize, interval }, n) => {
    if (interval === null) throw new Error(`${test}: expected an effect to judge, got ${effectSize}`);
    const above = interval.low > threshold || interval.high < -threshold;
    return above && (p[n] ?? 0) < 0.05 ? [test] : [];
  });
}

function line({ test, effectSize, interval, pHolm }: SeatResult): string {
  const between = interval === null ? "" : ` (95 %: ${interval.low.toFixed(2)} to ${interval.high.toFixed(2)})`;
  return `${test}: effect size ${effectSize.toFixed(2)}${between}, p ${pHolm?.toFixed(4) ?? "none"}`;
}

function hub() {
  const { HF_ENDPOINT: endpoint = "https://huggingface.co", HF_TOKEN: token, HF_HOME } = process.env;
  return { endpoint, cacheDir: join(HF_HOME ?? join(homedir(), ".cache/huggingface"), "hub"), ...(token && { token }) };
}
