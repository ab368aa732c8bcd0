/** The untouched model of a sweep, measured beside its points. */
export const BASELINE = "baseline";
