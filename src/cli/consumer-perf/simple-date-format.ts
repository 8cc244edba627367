// Times in the patterns of java.text.SimpleDateFormat, as --date-format takes them, for the
// letters that stand for date and time of day, in the local time zone.

import { UsageError } from '../command-line.ts';

type Part = (at: Date) => string;

const number =
  (value: (at: Date) => number) =>
  (width: number): Part =>
  (at) =>
    String(value(at)).padStart(width, '0');

const parts: Readonly<Record<string, (width: number) => Part>> = {
  y: (width) => (at) => {
    const year = String(at.getFullYear());
    return width === 2 ? year.slice(-2) : year.padStart(width, '0');
  },
  M: (width) => (at) => {
    if (width < 3) return String(at.getMonth() + 1).padStart(width, '0');
    return at.toLocaleString('en-US', { month: width === 3 ? 'short' : 'long' });
  },
  E: (width) => (at) => at.toLocaleString('en-US', { weekday: width < 4 ? 'short' : 'long' }),
  a: () => (at) => (at.getHours() < 12 ? 'AM' : 'PM'),
  d: number((at) => at.getDate()),
  H: number((at) => at.getHours()),
  k: number((at) => at.getHours() || 24),
  h: number((at) => at.getHours() % 12 || 12),
  K: number((at) => at.getHours() % 12),
  m: number((at) => at.getMinutes()),
  s: number((at) => at.getSeconds()),
  S: number((at) => at.getMilliseconds()),
};

/** Throws a UsageError for a letter that is none of the pattern's. */
export function simpleDateFormat(pattern: string): (timestampMs: number) => string {
  const pieces = pattern.match(/'(?:[^']|'')*'|([a-zA-Z])\1*|[^a-zA-Z']+|'/g) ?? [];
  const compiled = pieces.map((piece): Part => {
    const first = piece[0] as string;
    if (first === "'") {
      const text = piece === "''" ? "'" : piece.slice(1, -1).replaceAll("''", "'");
      return () => text;
    }
    if (!/[a-zA-Z]/.test(first)) return () => piece;
    const part = parts[first];
    if (part !== undefined) return part(piece.length);
    throw new UsageError(
      `--date-format ${pattern}: '${first}' is not one of ${Object.keys(parts).join(' ')}`,
    );
  });
  return (timestampMs) => {
    const at = new Date(timestampMs);
    return compiled.map((part) => part(at)).join('');
  };
}
