const minus = "\u2212";

/** A number with fixed digits and a true minus sign, which never reads −0.00. */
export function fixed(value: number, digits = 2): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : `${minus}∞`;
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? minus + text : text;
}

/** The same, with its sign in any case. */
export const signed = (value: number, digits = 2): string =>
  Number(Math.abs(value).toFixed(digits)) > 0 && value > 0 ? `+${fixed(value, digits)}` : fixed(value, digits);

/** Three significant digits. */
export function significant(value: number): string {
  if (!Number.isFinite(value) || value === 0) return fixed(value, 0);
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size < -4 || size > 6) return value.toExponential(1).replaceAll("-", minus);
  return size >= 3 ? fixed(value, 0) : fixed(value, 2 - size);
}

/** A change as a share of what was: −39 %. */
export const percent = (share: number): string => `${signed(share * 100, 0)} %`;

/** 12,672 */
export const count = (value: number): string => value.toLocaleString("en-US");

/** p .012; a p of 0 to three digits is given as less than .001. */
export function probability(p: number | null): string {
  if (p === null) return "no p";
  if (!Number.isFinite(p)) return `p ${fixed(p)}`;
  return p < 0.0005 ? "p < .001" : `p ${p.toFixed(3).replace(/^0(?=\.)/, "")}`;
}

/** 8.4 s, 4 min 12 s, 3 h 20 min */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return fixed(seconds);
  const whole = Math.round(seconds);
  if (seconds < 9.95) return `${fixed(seconds, 1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${count(Math.floor(whole / 3600))} h ${Math.floor((whole % 3600) / 60)} min`;
}
