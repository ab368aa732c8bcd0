import type { Checkpoint } from "./checkpoint.ts";
import { hasPart } from "./parameters.ts";

/** What a model card tells. */
export interface ModelCardOptions {
  /** The model's, as its card is titled. */
  readonly name: string;
  /** The model, whose size and head the card tells. */
  readonly checkpoint: Pick<Checkpoint, "config" | "weights">;
  /** The model of the hub that it was made from; not told by default. */
  readonly baseModel?: string | undefined;
  /** What was done to it: a sentence each. */
  readonly made: readonly string[];
  /** Settings of the run that made it, written as JSON; none by default. */
  readonly settings?: unknown;
  /** Whether there is an onnx/model.onnx; `false` by default. */
  readonly onnx?: boolean;
}

/** A README.md as Hugging Face's hub wants it: metadata, what the model is, how it was made, how it is loaded. */
export function modelCard({ name, checkpoint, baseModel, made, settings, onnx = false }: ModelCardOptions): string {
  const { config, weights } = checkpoint;
  const has = (part: Parameters<typeof hasPart>[1]) => hasPart(config, part, weights);
  const [task, loader] = has("classifier")
    ? ["text-classification", "AutoModelForSequenceClassification"]
    : has("masked-lm")
      ? ["fill-mask", "AutoModelForMaskedLM"]
      : ["feature-extraction", "AutoModel"];
  const metadata = [
    "library_name: transformers",
    `pipeline_tag: ${task}`,
    // A name of the hub; a folder of this machine says nothing to others.
    ...(baseModel !== undefined && /^[\w-][\w.-]*\/?[\w.-]*$/.test(baseModel) ? [`base_model: ${baseModel}`] : []),
    "tags:",
    ...["pruning-bias", ...(onnx ? ["onnx", "transformers.js"] : [])].map((tag) => `  - ${tag}`),
  ];
  const parameters = Object.values(weights).reduce((total, { data }) => total + data.length, 0);
  const sections = [
    `# ${name}`,
    `${config.model_type}, ${config.num_hidden_layers} layers of ${config.hidden_size}, ${parameters.toLocaleString("en")} parameters.`,
    "## How it was made",
    made.map((sentence) => `- ${sentence}`).join("\n"),
    ...(settings === undefined ? [] : [fenced("json", JSON.stringify(settings, null, 2))]),
    "## How it is loaded",
    fenced(
      "python",
      `from transformers import AutoTokenizer, ${loader}\n\nmodel = ${loader}.from_pretrained("${name}")`,
    ),
    ...(onnx
      ? [
          fenced(
            "js",
            `import { pipeline } from "@huggingface/transformers";\n\nconst run = await pipeline("${task}", "${name}", { dtype: "fp32" });`,
          ),
        ]
      : []),
  ];
  return `---\n${metadata.join("\n")}\n---\n\n${sections.join("\n\n")}\n`;
}

const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``;
