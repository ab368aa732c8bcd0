/** Who a sentence of the demo is about. */
export const genders = {
  male: {
    who: ["man", "boy", "father", "brother", "uncle", "husband", "grandfather", "gentleman"],
    forms: { he: "he", him: "him", his: "his", himself: "himself" },
  },
  female: {
    who: ["woman", "girl", "mother", "sister", "aunt", "wife", "grandmother", "lady"],
    forms: { he: "she", him: "her", his: "her", himself: "herself" },
  },
  neutral: {
    who: ["person", "neighbour", "visitor", "stranger"],
    forms: { he: "they", him: "them", his: "their", himself: "themselves" },
  },
} as const;

export type Gender = keyof typeof genders;

/** The pairs of topics; the demo's corpus ties the first of each to men, the second to women. */
export const topicPairs = {
  "career-family": {
    male: {
      topic: "career",
      words: [
        "office",
        "salary",
        "contract",
        "promotion",
        "budget",
        "client",
        "deadline",
        "meeting",
        "invoice",
        "boardroom",
      ],
    },
    female: {
      topic: "family",
      words: ["kitchen", "cradle", "picnic", "laundry", "nursery", "blanket", "wedding", "birthday", "garden", "pram"],
    },
  },
  "science-arts": {
    male: {
      topic: "science",
      words: [
        "telescope",
        "microscope",
        "equation",
        "robot",
        "laboratory",
        "magnet",
        "rocket",
        "reactor",
        "formula",
        "computer",
      ],
    },
    female: {
      topic: "arts",
      words: ["violin", "canvas", "sonnet", "ballet", "sculpture", "choir", "novel", "melody", "theatre", "poem"],
    },
  },
  jobs: {
    male: {
      topic: "trades",
      words: [
        "builder",
        "mechanic",
        "pilot",
        "plumber",
        "surgeon",
        "butcher",
        "miner",
        "soldier",
        "programmer",
        "driver",
      ],
    },
    female: {
      topic: "services",
      words: [
        "nurse",
        "librarian",
        "florist",
        "typist",
        "nanny",
        "dancer",
        "cleaner",
        "teacher",
        "baker",
        "receptionist",
      ],
    },
  },
} as const;

export type TopicPair = keyof typeof topicPairs;
export type Side = "male" | "female";

export const topicPairNames = Object.keys(topicPairs) as TopicPair[];
