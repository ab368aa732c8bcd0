import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { genderSwap, readWordPairs } from "./word-pairs.ts";

const dir = temporaryDir();
const lists = (male: string, female: string) => {
  const paths = [join(dir(), "male.txt"), join(dir(), "female.txt")] as const;
  writeFileSync(paths[0], male);
  writeFileSync(paths[1], female);
  return paths;
};

describe("word pairs", () => {
  it("are by line, stripped and lowered", async () => {
    const pairs = await readWordPairs(...lists("He \nballet_dancer\r\nmr.\n", "she\nballerina\nMrs.\n\n"));
    expect(pairs).toEqual([
      ["he", "she"],
      ["ballet dancer", "ballerina"],
      ["mr.", "mrs."],
    ]);
  });

  it("are refused where the lists differ in length", async () => {
    const [male, female] = lists("he\nking\nlord\n", "she\nqueen\n");
    await expect(readWordPairs(male, female)).rejects.toThrow(
      `${female}: expected 3 lines, the counterparts of those of ${male}, got 2; words are swapped by line`,
    );
  });

  it("are refused where a counterpart is missing", async () => {
    const [male, female] = lists("he\n\nlord\n", "she\nqueen\nlady\n");
    await expect(readWordPairs(male, female)).rejects.toThrow(`${male}: line 2: expected the counterpart of queen`);
  });
});

describe("a swap", () => {
  const swap = genderSwap([
    ["he", "she"],
    ["his", "her"],
    ["him", "her"],
    ["king", "queen"],
    ["mr.", "mrs."],
    ["ballet dancer", "ballerina"],
    ["sir", "ma'am"],
  ]);

  it.each([
    ["He saw the king and his queen.", "She saw the queen and her king."],
    ["THE KING AND SHE", "THE QUEEN AND HE"],
    ["Mr. Smith met him; Mrs. Jones too.", "Mrs. Smith met her; Mr. Jones too."],
    ["The Ballerina, sir!", "The Ballet dancer, ma'am!"],
  ])("goes both ways and keeps case: %s", (sentence, swapped) => {
    expect(swap(sentence)).toBe(swapped);
  });

  it("takes the first pair of a word, and whole words alone", () => {
    expect(swap("I gave her the kingdom.")).toBe("I gave his the kingdom.");
    expect(swap("The kingdom of heroes.")).toBeUndefined();
  });
});
