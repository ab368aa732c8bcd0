/** The command line's help as a page; `help` gives that of a command, or the list of all. */
export async function commandsReference(help: (command?: string) => Promise<string>): Promise<string> {
  const list = await help();
  const names = [...list.slice(list.indexOf("Commands:")).matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
  const own = names.filter((name) => name !== "help");
  const sections = await Promise.all(
    own.map(async (name) => `## \`${name}\`\n\n\`\`\`text\n${(await help(name)).trim()}\n\`\`\``),
  );
  return `# Commands\n\n\`pnpm pruning-bias COMMAND\`; \`pnpm nx run cli:sweep --\` is \`sweep\`. Text for people goes to standard error, \`--json\` prints one object on standard output. Exit code 0 done, 1 failed, 2 wrong usage.\n\n${sections.join("\n\n")}\n`;
}
