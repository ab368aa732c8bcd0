import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readCrowsPairs, readSeat, readStereoSet, readWinoBias, writeDemo } from "@pruning-bias/data";
import { mutateJson } from "../json.ts";
import { mutateLines } from "../lines.ts";
import type { Reader } from "../reader.ts";
import { fileCase } from "./file.ts";

const stereoSet = {
  version: "1.0",
  data: {
    intrasentence: ["nurse", "engineer"].map((target, at) => ({
      ...{ id: `e${at}`, target, bias_type: "gender", context: `The ${target} was BLANK.` },
      sentences: ["stereotype", "anti-stereotype", "unrelated"].map((gold_label, n) => ({
        ...{ id: `s${n}`, sentence: `The ${target} was ${["kind", "rude", "green"][n]}.`, gold_label },
      })),
    })),
  },
};

const crows = `,sent_more,sent_less,stereo_antistereo,bias_type,annotations
0,"She cannot drive, they said.","He cannot drive, they said.",stereo,gender,"[['gender']]"
1,He is a poor nurse.,She is a poor nurse.,antistereo,gender,[]
2,"The ""old"" one forgot.",The young one forgot.,stereo,age,[]
`;

const winoBias = (pronoun: string) =>
  `1 [The cook] said to the guest that [${pronoun}] was late.\n2 The guest told [the cook] that [${pronoun}] was early.\n`;

export const testSets: readonly Reader[] = [
  {
    name: "SEAT test (JSON)",
    async prepare(folder) {
      const path = (await writeDemo(folder, { seed: 1, sentences: 10 })).seat[0]!;
      const whole = JSON.parse(await readFile(path, "utf8")) as unknown;
      return (random) => fileCase(path, mutateJson(whole, random), () => readSeat(path));
    },
  },
  {
    name: "StereoSet (JSON)",
    async prepare(folder) {
      const path = join(folder, "dev.json");
      return (random) => {
        const whole = random.chance(0.5) ? stereoSet : stereoSet.data.intrasentence;
        return fileCase(path, mutateJson(whole, random), () => readStereoSet(path));
      };
    },
  },
  {
    name: "CrowS-Pairs (CSV)",
    async prepare(folder) {
      const path = join(folder, "crows.csv");
      return (random) => fileCase(path, mutateLines(crows, random), () => readCrowsPairs(path, "gender"));
    },
  },
  {
    name: "WinoBias (text)",
    async prepare(folder) {
      const [pro, anti] = [join(folder, "pro.txt"), join(folder, "anti.txt")];
      await fileCase(pro, Buffer.from(winoBias("she")), async () => {});
      return (random) => fileCase(anti, mutateLines(winoBias("he"), random), () => readWinoBias(pro, anti));
    },
  },
];
