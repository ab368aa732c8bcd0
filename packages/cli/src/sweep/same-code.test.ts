import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { codeReader } from "./code.ts";
import { checkCode } from "./same-code.ts";

it("code that is edited while a task runs is noticed, and code that the task does not run is not", async () => {
  const root = await mkdtemp(join(tmpdir(), "code-"));
  const source = (name: string) => join(root, "packages/cli/src", name);
  await mkdir(source("commands"), { recursive: true });
  await writeFile(
    source("main.ts"),
    '  .command("train")\n  .action(async () => import("./commands/train.ts")\n  });\n',
  );
  await writeFile(source("commands/train.ts"), 'import "./loss.ts";\n');
  await writeFile(source("commands/loss.ts"), "export const loss = 1;\n");
  await writeFile(source("commands/other.ts"), "export const other = 1;\n");
  const { digest } = codeReader(root)("train");
  await writeFile(source("commands/other.ts"), "export const other = 2;\n");
  checkCode(root, "train", digest);
  await writeFile(source("commands/loss.ts"), "export const loss = 2;\n");
  expect(() => checkCode(root, "train", digest)).toThrow(
    /^train: expected the code that the sweep started with, got another/,
  );
});
