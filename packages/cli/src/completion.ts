import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { knownKeys } from "./config/compose.ts";
import { Config } from "./config/schema.ts";
import { presets } from "./presets/index.ts";

/** What completion must know of a command line's parser. */
export interface Commands {
  readonly name: string;
  readonly options: readonly string[];
  /** Takes settings as `key=value`. */
  readonly settings: boolean;
}

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** What the last of `words` may become: commands, options, settings, their values, sweeps of the tree. */
export function complete(words: readonly string[], commands: readonly Commands[], root: string): string[] {
  const last = words.at(-1) ?? "";
  const command = commands.find(({ name }) => name === words[0]);
  if (words.length <= 1 || command === undefined)
    return startingWith(
      last,
      commands.map(({ name }) => name),
    );
  if (last.startsWith("-")) return startingWith(last, command.options);
  if (command.name === "report") return startingWith(last, sweeps(root));
  if (!command.settings) return [];
  const at = last.indexOf("=");
  if (at < 0)
    return startingWith(
      last,
      [...knownKeys(), "name"].map((key) => `${key}=`),
    );
  const key = last.slice(0, at);
  const before = last.slice(0, Math.max(at, last.lastIndexOf(",")) + 1);
  return startingWith(
    last,
    valuesOf(key, root).map((value) => before + value),
  );
}

const startingWith = (start: string, all: readonly string[]): string[] => all.filter((text) => text.startsWith(start));

function valuesOf(key: string, root: string): string[] {
  if (key === "experiment") return Object.keys(presets);
  if (key === "name") return sweeps(root);
  let node: unknown = z.toJSONSchema(Config, { io: "input" });
  for (const part of key.split(".")) {
    node = branches(node)
      .map((branch) => (branch["properties"] as Record<string, unknown> | undefined)?.[part])
      .find((found) => found !== undefined);
  }
  return branches(node).flatMap((branch) => {
    if (branch["type"] === "boolean") return ["true", "false"];
    if (branch["type"] === "null") return ["null"];
    return ((branch["enum"] as unknown[] | undefined) ?? ("const" in branch ? [branch["const"]] : [])).map(String);
  });
}

/** A schema, and what it is any of. */
function branches(node: unknown): Record<string, unknown>[] {
  if (typeof node !== "object" || node === null) return [];
  const own = node as Record<string, unknown>;
  return [own, ...((own["anyOf"] as unknown[] | undefined) ?? []).flatMap(branches)];
}

function sweeps(root: string): string[] {
  const folder = join(root, "experiments");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, "sweep.json")));
}

/** A script to be read by the shell (`source <(pruning-bias completion bash)`), which asks the command line itself. */
export function completionScript(shell: Shell): string {
  const ask = "pruning-bias complete --";
  return {
    bash: `# = is part of a word here, so what is asked for is the whole word, and what is shown its end.
_pruning_bias() {
  local line=\${COMP_LINE:0:COMP_POINT} words
  read -ra words <<< "$line"
  [[ $line == *" " ]] && words+=("")
  local last=\${words[-1]} current=\${COMP_WORDS[COMP_CWORD]}
  [[ $current == "=" ]] && current=""
  local shared=\${last%"$current"}
  mapfile -t COMPREPLY < <(${ask} "\${words[@]:1}")
  COMPREPLY=("\${COMPREPLY[@]#"$shared"}")
  [[ \${COMPREPLY[0]-} == *= ]] && compopt -o nospace
}
complete -F _pruning_bias pruning-bias
`,
    zsh: `#compdef pruning-bias
_pruning_bias() {
  local -a found
  found=("\${(@f)$(${ask} "\${(@)words[2,CURRENT]}")}")
  [[ -n $found[1] ]] && compadd -S '' -- $found
}
compdef _pruning_bias pruning-bias
`,
    fish: `complete -c pruning-bias -f -a '(${ask} (commandline -opc)[2..] (commandline -ct))'
`,
  }[shell];
}
