import type { Reader } from "../reader.ts";
import { corpora } from "./corpora.ts";
import { hub } from "./hub.ts";
import { models } from "./models.ts";
import { runs } from "./results.ts";
import { settings } from "./settings.ts";
import { testSets } from "./test-sets.ts";
import { tokenizers } from "./tokenizers.ts";

/** All that reads what others wrote. ONNX files and TensorBoard's events are written and never read. */
export const readers: readonly Reader[] = [
  ...corpora,
  ...testSets,
  ...tokenizers,
  ...models,
  ...settings,
  ...runs,
  ...hub,
];
