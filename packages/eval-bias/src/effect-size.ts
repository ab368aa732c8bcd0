/**
 * The effect size of a test, a Cohen's d between −2 and 2: positive where X goes with A and Y with B.
 *
 *     d = (mean_X s − mean_Y s) / std_{X ∪ Y} s,  with the sample standard deviation (n − 1)
 *
 * Caliskan et al. 2017. NaN where all associations are equal.
 *
 * @param associations s(w) of the targets, X first
 * @param sizeX how many of them belong to X
 */
export function effectSize(associations: Float64Array, sizeX: number): number {
  return (mean(associations.subarray(0, sizeX)) - mean(associations.subarray(sizeX))) / deviation(associations);
}

function deviation(values: Float64Array): number {
  // Equal values may still differ from their mean in the last bit; that is no variance.
  if (values.every((value) => value === values[0])) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
