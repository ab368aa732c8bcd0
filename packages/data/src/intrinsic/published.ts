/** What is known of a file that its authors published in a git repository. */
export interface PublishedFile {
  /** Absent where only its hash is known. */
  readonly bytes?: number;
  /** Its object name in git: SHA-1 of `blob SIZE`, a zero byte and the content. */
  readonly gitBlob: string;
}

const github = "https://raw.githubusercontent.com";
const sentBias = `${github}/W4ngatang/sent-bias/master/tests`;
const winoBias = `${github}/uclanlp/corefBias/0bce984dd081bbc10b0622f326727a024c607895/WinoBias/wino/data`;

/** Where the published tests are, by the names that settings give them. */
export const publishedTests = {
  SEAT6: `${sentBias}/sent-weat6.jsonl`,
  SEAT6b: `${sentBias}/sent-weat6b.jsonl`,
  SEAT7: `${sentBias}/sent-weat7.jsonl`,
  SEAT7b: `${sentBias}/sent-weat7b.jsonl`,
  SEAT8: `${sentBias}/sent-weat8.jsonl`,
  SEAT8b: `${sentBias}/sent-weat8b.jsonl`,
  WEAT6: `${sentBias}/weat6.jsonl`,
  WEAT6b: `${sentBias}/weat6b.jsonl`,
  WEAT7: `${sentBias}/weat7.jsonl`,
  WEAT7b: `${sentBias}/weat7b.jsonl`,
  WEAT8: `${sentBias}/weat8.jsonl`,
  WEAT8b: `${sentBias}/weat8b.jsonl`,
  stereoset: `${github}/moinnadeem/StereoSet/ead7d086a64a192a1eca88e0dd2fd163de375218/data/dev.json`,
  crows: `${github}/nyu-mll/crows-pairs/8aaac11c485473159ec9328a65253a5be9a479dc/data/crows_pairs_anonymized.csv`,
  winobias_pro_type1: `${winoBias}/pro_stereotyped_type1.txt.test`,
  winobias_anti_type1: `${winoBias}/anti_stereotyped_type1.txt.test`,
  winobias_pro_type2: `${winoBias}/pro_stereotyped_type2.txt.test`,
  winobias_anti_type2: `${winoBias}/anti_stereotyped_type2.txt.test`,
} as const;

/** The name of a bias test: `SEAT6`. */
export type PublishedTest = keyof typeof publishedTests;

/** What is known of them, by URL. */
export const publishedFiles: Readonly<Record<string, PublishedFile>> = {
  [publishedTests.SEAT6]: { bytes: 9_880, gitBlob: "c660180fc6a9dc0fc1728bbc751c1f44aa4e48b8" },
  [publishedTests.SEAT6b]: { bytes: 10_863, gitBlob: "154ccd578c838e0dc164a1a6b3838b1b3666a75f" },
  [publishedTests.SEAT7]: { bytes: 8_703, gitBlob: "1e08adae409745390516084f8b2bdd041a4d4359" },
  [publishedTests.SEAT7b]: { bytes: 7_737, gitBlob: "89550cf58ba94a61fdb29ec3e445de13cfb2c002" },
  [publishedTests.SEAT8]: { bytes: 8_038, gitBlob: "5f8117507cdd93b09016612a06e6be4fe163310c" },
  [publishedTests.SEAT8b]: { bytes: 6_809, gitBlob: "4ce2f157faa2289af93a33884a4fab4d5bed4c41" },
  [publishedTests.WEAT6]: { bytes: 789, gitBlob: "4aa31fd52cb2c2deed052a6ff5bf0088a0a7946c" },
  [publishedTests.WEAT6b]: { bytes: 789, gitBlob: "9f553a9140744fc16e583a9544b43aca6147cc30" },
  [publishedTests.WEAT7]: { bytes: 774, gitBlob: "e2f0d3e435d5c10925628c2fda790ff238b1f9f4" },
  [publishedTests.WEAT7b]: { bytes: 774, gitBlob: "29d23060ad65b846abd92171513c85ace9f858f0" },
  [publishedTests.WEAT8]: { bytes: 799, gitBlob: "1137bc74c27665ed066d43cba7b4031e56dda2c9" },
  [publishedTests.WEAT8b]: { bytes: 781, gitBlob: "5da56c98e43c35c72b6969e423c8a2e253a605a9" },
  [publishedTests.stereoset]: { gitBlob: "637b1e3d284a3c629b74a4659c583b8eca9bd13e" },
  [publishedTests.crows]: { bytes: 437_764, gitBlob: "28fa7d906a83d441001fb2a0eeae28c6d64a99e1" },
  [publishedTests.winobias_pro_type1]: { bytes: 34_820, gitBlob: "14dfa3788194ffd9b7bce455676b9a312e547260" },
  [publishedTests.winobias_anti_type1]: { bytes: 34_778, gitBlob: "c8872b23832acb49a123f7a8e0e6dee4c7b0d35b" },
  [publishedTests.winobias_pro_type2]: { bytes: 31_749, gitBlob: "e0c786e81a6f8e7ee84ba1cb76167cc0bf941c95" },
  [publishedTests.winobias_anti_type2]: { bytes: 31_769, gitBlob: "d83b0730881d470a76d95c9d2d5992a343bd2423" },
};
