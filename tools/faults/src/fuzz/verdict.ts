/** What is wrong with how a reader ended, in a word; nothing where it gave a result or the one-line error. */
export function complaint(error: unknown, places: readonly string[] | undefined): string | undefined {
  if (!(error instanceof Error)) return `threw ${typeof error}`;
  const { constructor, message } = error;
  // Of Node: what the system said, which names its path.
  if (!["Error", "UsageError"].includes(constructor.name)) return `${constructor.name}: ${message}`;
  if (/[\n\r]/.test(message)) return `more than one line: ${JSON.stringify(message)}`;
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000b-\u001f\u007f\u009b]/.test(message)) return `control characters: ${JSON.stringify(message)}`;
  if (message.length > 2000) return `an error of ${message.length} characters: ${message.slice(0, 300)}`;
  if (fromInside.test(message)) return `speaks of the inside: ${message}`;
  if (places !== undefined && !places.some((place) => message.includes(place))) return `names no place: ${message}`;
  return undefined;
}

/** How JavaScript and its libraries complain of code, not of data. */
const fromInside =
  /Cannot (read|set|convert|mix|destructure)|is not (a function|iterable|a constructor|defined|extensible)|undefined (reading|is )|of undefined|Invalid (array|typed array|string length|count value|Date)|call stack|out of (bounds|range|memory)|\[object |Maximum|Reduce of empty|before initialization|not iterable/;
