import { counts, readFlags, typed } from "../flags.ts";
import { campaign, type ReaderResult } from "./campaign.ts";

/** `node tools/faults/src/fuzz/main.ts [--cases 500] [--seed 1] [--reader NAME]… [--from N]`: exit code 1 where something was found. */
const { values } = readFlags({
  args: typed(),
  options: {
    cases: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    reader: { type: "string", multiple: true },
    from: { type: "string", default: "0" },
  },
});
const [cases, from] = counts(values, ["cases", "from"]);
const say = (line: string) => void process.stdout.write(`${line}\n`);
const began = performance.now();
const results = await campaign({
  ...{ seed: values.seed, cases, only: values.reader, from },
});
for (const { reader, cases: inputs, refused, findings, slowest, growth } of results) {
  const memory = `${Math.round(growth / 1e6)} MB`.padStart(7);
  say(
    `${reader.padEnd(40)} ${inputs} inputs  ${String(refused).padStart(5)} refused  ${slowest.toFixed(2)} s  ${memory}`,
  );
  for (const { case: at, what } of findings) {
    say(`  case ${at}: ${what.slice(0, 400)}`);
    say(`    again: --reader "${reader}" --seed ${values.seed} --from ${at} --cases 1`);
  }
}
const sum = (of: (result: ReaderResult) => number) => results.reduce((total, result) => total + of(result), 0);
const found = sum(({ findings }) => findings.length);
const seconds = Math.round((performance.now() - began) / 1000);
say(
  `${sum(({ cases }) => cases)} malformed inputs to ${results.length} readers in ${seconds} s: ` +
    `${sum(({ refused }) => refused)} refused, ${found} found wrong`,
);
process.exitCode = found === 0 ? 0 : 1;
