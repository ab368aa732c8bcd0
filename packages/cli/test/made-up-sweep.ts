import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { compose } from "../src/config/compose.ts";
import { temporary } from "./small-model.ts";

/** Results of a sweep over BERT-base that nobody ran, as its tasks would leave them, for looking at reports. */
export async function madeUpSweep(name: string, count: number): Promise<{ runs: string; points: string[] }> {
  const runs = join(await temporary(), "runs");
  const write = async (path: string, value: unknown) => {
    const file = join(runs, name, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof value === "string" ? value : JSON.stringify(value));
  };
  await write("baseline/bias.json", bias({ SEAT6: 1.04, SEAT7: 0.18, SEAT8: 0.81 }, 60.2, 57.3));
  await write("baseline/where.json", where(generator(7)));
  for (const [task, score] of Object.entries({ cola: 0.49, rte: 0.62 }))
    await write(`baseline/glue/${task}.json`, glue(task, score, 42));
  const points: string[] = [];
  for (let i = 0; i < count; i++) {
    const [layer, mode] = [["last", "all"][i % 2]!, ["sentence", "token"][(i >> 1) % 2]!];
    const point = `embedding_layer=${layer},debias_mode=${mode},seed=${i >> 2}`;
    points.push(point);
    const random = generator(i + 1);
    const fall = 0.2 + 0.6 * random();
    const overrides = [
      "experiment=head_pruning_frozen",
      `model.embedding_layer=${layer}`,
      `model.debias_mode=${mode}`,
      `seed=${i >> 2}`,
    ];
    await write(`${point}/config.json`, compose(overrides).config);
    await write(`${point}/metrics.jsonl`, metrics(fall, random));
    await write(`${point}/masks.json`, masks(i, random));
    await write(
      `${point}/bias.json`,
      bias({ SEAT6: 1.04 * fall, SEAT7: 0.18 + 0.5 * (1 - fall), SEAT8: 0.81 * fall }, 50 + 10 * fall, 51 + 6 * fall),
    );
    await write(`${point}/where.json`, where(generator(7), { SEAT6: 1.04 * fall, SEAT7: 0.3, SEAT8: 0.81 * fall }));
    for (const task of ["cola", "rte"]) {
      for (const seed of [1, 2, 3]) {
        await write(
          `${point}/glue/${task}-${seed}.json`,
          glue(task, (task === "cola" ? 0.3 : 0.55) + 0.15 * fall + 0.02 * random(), seed),
        );
      }
    }
    await write(`${point}/summary.json`, {
      steps: 24_600,
      seconds: 9000 * (1 + random()),
      tokens: 1e8,
      tokensPerSecond: 9000,
    });
  }
  return { runs, points };
}

const bias = (effects: Record<string, number>, ss: number, crows: number) => ({
  protocol: "cls",
  tests: Object.entries(effects).map(([test, effectSize]) => ({
    ...{ test, effectSize, p: Math.abs(effectSize) > 0.5 ? 0.004 : 0.21, pKind: "exact" },
  })),
  stereoset: {
    protocol: "bias-bench",
    rates: { overall: { ss, lm: 84.1, icat: 84.1 * Math.min(ss, 100 - ss) * 0.02 } },
  },
  crows: { protocol: "bias-bench", metric: crows, p: 0.03 },
});

/** What closing each head does: two carry most of it. */
function where(random: () => number, goal?: Record<string, number>) {
  const open = { SEAT6: 1.04, SEAT7: 0.18, SEAT8: 0.81 };
  const without = (share: number) => ({ SEAT6: 1.04 * share, SEAT7: 0.18 + 0.1 * (1 - share), SEAT8: 0.81 * share });
  const heads = Array.from({ length: 144 }, (_, i) => ({
    ...{ layer: Math.floor(i / 12), head: i % 12 },
    effects: without(i === 77 ? 0.4 : i === 102 ? 0.6 : 1.04 - 0.08 * random()),
  }));
  const effects = goal ?? { SEAT6: 0, SEAT7: 0, SEAT8: 0 };
  const closed = goal && [heads[77]!, heads[102]!, heads[3]!].map(({ layer, head }) => ({ layer, head }));
  return {
    ...{ protocol: "cls", open, heads, goal: { effects, enough: 0.1, ...(closed && { closed }) } },
    sets: [
      { heads: [{ layer: 6, head: 5 }], effects: without(0.4), distance: 0.23 },
      {
        ...{ effects: without(0.25), distance: 0.08 },
        heads: [
          { layer: 6, head: 5 },
          { layer: 8, head: 6 },
        ],
      },
    ],
  };
}

const glue = (task: string, score: number, seed: number) => ({
  ...{ task, seed, epochs: 3, seconds: 620 },
  metrics: { [task === "cola" ? "matthews_correlation" : "accuracy"]: score },
  majority: { [task === "cola" ? "matthews_correlation" : "accuracy"]: task === "cola" ? 0 : 0.527 },
});

function metrics(fall: number, random: () => number): string {
  const rows = Array.from({ length: 21 }, (_, i) => {
    const done = i / 20;
    const threshold = 0.1 * (1 - (1 - done) ** 3);
    const lossDebias = 30 * (1 - (1 - fall) * done) + random();
    const lossKeep = 6 * done * (1 - fall) + 0.4 * random();
    const gates = { open: Math.round(37_440 * (1 - 0.2 * done)), undecided: Math.round(4000 * done * random()) };
    const closed = 37_440 - gates.open;
    const seat = {
      SEAT6: 1.04 * (1 - (1 - fall) * done),
      SEAT7: 0.18 + 0.5 * (1 - fall) * done,
      SEAT8: 0.81 - 0.4 * done * random(),
    };
    const loss = 0.2 * lossDebias + 0.8 * lossKeep;
    return {
      kind: "validation",
      step: i * 1230,
      epoch: i,
      loss,
      lossDebias,
      lossKeep,
      threshold: 0.1,
      ...gates,
      closed,
      seat,
      current: { ...gates, closed, threshold },
    };
  });
  return rows.map((row) => JSON.stringify(row)).join("\n");
}

const kinds: readonly [name: string, shape: [number, number], grid: [number, number]][] = [
  ["attention.self.query", [768, 768], [24, 24]],
  ["attention.self.key", [768, 768], [24, 24]],
  ["attention.self.value", [768, 768], [24, 24]],
  ["attention.output.dense", [768, 768], [24, 24]],
  ["intermediate.dense", [3072, 768], [3072, 1]],
  ["output.dense", [768, 3072], [1, 3072]],
];

function masks(point: number, random: () => number) {
  // What all share comes from one generator: seeds agree beyond chance.
  const shared = generator(99 + (point % 4));
  const modules = Array.from({ length: 12 }, (_, layer) => {
    let bytes = Buffer.alloc(0);
    return kinds.map(([kind, shape, grid]) => {
      const total = grid[0] * grid[1];
      // Both matrices of the feed-forward network have the same neurons.
      if (kind !== "output.dense") {
        bytes = Buffer.alloc(total / 8);
        for (let i = 0; i < total; i++) {
          if (shared() > 0.05 + 0.03 * layer && random() > 0.1) bytes[i >> 3]! |= 128 >> (i & 7);
        }
      }
      const open = bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
      return {
        name: `encoder.layer.${layer}.${kind}`,
        layer,
        open,
        total,
        shape,
        grid,
        mask: bytes.toString("base64"),
      };
    });
  }).flat();
  const heads = Array.from({ length: 12 }, (_, layer) =>
    Array.from({ length: 12 }, () => (shared() < 0.04 * layer ? 0 : random() < 0.06 ? 0.5 : 1)),
  );
  const headsOpen = heads.flat().filter((state) => state > 0).length;
  return { threshold: 0.1, modules, heads, headsOpen, headsTotal: 144, undecided: 4100, scores: 37_440 };
}

/** Mulberry32: small, and good enough for pictures. */
function generator(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
