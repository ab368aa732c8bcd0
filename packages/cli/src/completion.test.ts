import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { complete, completionScript } from "./completion.ts";

const commands = [
  { name: "sweep", options: ["--dry-run", "--glue"], settings: true },
  { name: "report", options: ["--watch"], settings: false },
];

describe("completion", () => {
  const root = mkdtempSync(join(tmpdir(), "completion-"));
  mkdirSync(join(root, "experiments/mine"), { recursive: true });
  writeFileSync(join(root, "experiments/mine/sweep.json"), "{}");

  it.each([
    [["sw"], ["sweep"]],
    [["sweep", "--d"], ["--dry-run"]],
    [["report", ""], ["mine"]],
    [["sweep", "model.debias_m"], ["model.debias_mode="]],
    [
      ["sweep", "model.debias_mode="],
      ["model.debias_mode=sentence", "model.debias_mode=token"],
    ],
    [["sweep", "model.debias_mode=sentence,t"], ["model.debias_mode=sentence,token"]],
    [["sweep", "model.freeze_weights=f"], ["model.freeze_weights=false"]],
    [
      ["sweep", "pruning.regularization=l"],
      ["pruning.regularization=l1", "pruning.regularization=l0"],
    ],
    [["sweep", "experiment=debias_block_pruning_f"], ["experiment=debias_block_pruning_frozen"]],
    [["sweep", "name="], ["name=mine"]],
  ])("%j", (words, found) => {
    expect(complete(words, commands, root)).toEqual(found);
  });

  it("works in bash, where = divides words", () => {
    const script = `
      pruning-bias() { echo "model.debias_mode=sentence"; echo "model.debias_mode=token"; }
      ${completionScript("bash")}
      COMP_LINE="pruning-bias sweep model.debias_mode="; COMP_POINT=\${#COMP_LINE}
      COMP_WORDS=(pruning-bias sweep model.debias_mode =); COMP_CWORD=3
      _pruning_bias 2> /dev/null; echo "\${COMPREPLY[@]}"`;
    expect(execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim()).toBe("sentence token");
  });

  const asked = (shell: string) => `${shell}${missing(shell) ? " (skipped: none here)" : ""}`;

  it.skipIf(missing("zsh"))(`works in ${asked("zsh")}, which is given whole words`, () => {
    const script = `
      pruning-bias() { print -r -- "$3=sentence"; print -r -- "$3=token"; print -r -- "asked: $*" >&2; }
      compdef() { registered="$*"; }
      compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@"; }
      ${completionScript("zsh")}
      words=(pruning-bias model.debias_mode); CURRENT=2
      _pruning_bias; print -r -- "$registered"`;
    expect(execFileSync("zsh", ["-f", "-c", script], { encoding: "utf8", stdio: "pipe" }).trim().split("\n")).toEqual([
      "model.debias_mode=sentence",
      "model.debias_mode=token",
      "_pruning_bias pruning-bias",
    ]);
  });

  it.skipIf(missing("fish"))(`works in ${asked("fish")}, asked by its own completion`, () => {
    const script = `
      function pruning-bias; echo $argv | string replace "complete -- sweep " ""; echo $argv[-1]token; end
      ${completionScript("fish")}
      complete -C "pruning-bias sweep model.debias_mode="`;
    const home = mkdtempSync(join(tmpdir(), "fish-"));
    const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home };
    const found = execFileSync("fish", ["--no-config", "-c", script], { encoding: "utf8", env, stdio: "pipe" });
    expect(found.trim().split("\n").toSorted()).toEqual(["model.debias_mode=", "model.debias_mode=token"]);
  });
});

/** Whether a shell is not installed. */
function missing(shell: string): boolean {
  return spawnSync(shell, ["--version"]).error !== undefined;
}
