import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { type Package, readManifest, workspace } from "./packages.ts";

/** Where the reviewed API of a package stands. */
export const apiFile = ({ folder }: Pick<Package, "folder">, root: string = workspace): string =>
  join(root, folder, "api.md");

/**
 * What a package exports, entry by entry, with signatures: names of the declarations that its tarball holds, in the order of
 * the alphabet, and whether they are documented.
 *
 * @param unpacked the package's folder, as `unpack` makes it
 */
export async function apiText({ manifest }: Pick<Package, "manifest">, unpacked: string): Promise<string> {
  const reports = await mkdtemp(join(tmpdir(), "pruning-bias-api-"));
  // Modules below `node_modules` would count as somebody else's.
  const folder = join(unpacked, "../../..", "api");
  await cp(unpacked, folder, { recursive: true });
  try {
    const parts = [
      `# API of ${manifest.name}\n\nWritten by \`pnpm api\`; what changes here, users see: it wants a changeset.\n`,
    ];
    for (const [entry, { types }] of Object.entries(manifest.publishConfig.exports)) {
      const report = await reportOf(join(folder, types), folder, reports);
      parts.push(`## \`${join(manifest.name, entry).replaceAll("\\", "/")}\`\n\n${code(report)}`);
    }
    return parts.join("\n");
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(reports, { recursive: true, force: true });
  }
}

async function reportOf(types: string, folder: string, reports: string): Promise<string> {
  const tsconfigFilePath = join(folder, "tsconfig.json");
  const compilerOptions = { module: "nodenext", target: "es2023", skipLibCheck: true, types: ["node"] };
  const typeRoots = [join(workspace, "node_modules/@types")];
  await writeFile(
    tsconfigFilePath,
    JSON.stringify({ compilerOptions: { ...compilerOptions, typeRoots }, files: [types] }),
  );
  const silent = { logLevel: ExtractorLogLevel.None };
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      compiler: { tsconfigFilePath },
      apiReport: {
        enabled: true,
        reportFolder: reports,
        reportTempFolder: join(reports, "temp"),
        reportFileName: "entry",
      },
      newlineKind: "lf",
      messages: {
        extractorMessageReporting: { default: silent },
        compilerMessageReporting: { default: silent },
        tsdocMessageReporting: { default: silent },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
    packageJson: readManifest(folder) as never,
  });
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = true;
    },
  });
  return readFile(join(reports, "entry.api.md"), "utf8");
}

/** The block of declarations, without what the tool says of itself. */
function code(report: string): string {
  const block = /```ts\n[\s\S]*\n```/.exec(report)?.[0];
  if (block === undefined) throw new Error("api: expected a report with declarations, got none");
  return `${block.replace("\n// (No @packageDocumentation comment for this package)\n", "")}\n`;
}
