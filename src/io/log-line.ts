// The layout of a log entry: one line each, close to the log4j layout of Kafka's own logs, so that
// eyes and scripts trained on those can read ours.
//
// Invariant: an entry is one line whatever the fields hold, and no terminal does what they say: no
// line breaks and no control characters survive.

/** What an entry says beside its message, by name. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'off';

export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'off'];

export interface LogEntry {
  readonly timeMs: number;
  readonly level: LogLevel;
  readonly component: string;
  readonly message: string;
  readonly fields?: LogFields | undefined;
}

/** `[2026-11-21 02:46:01,123] WARN message key=value (component)`, in local time. */
export function logLine(entry: LogEntry): string {
  let line = `[${localTime(entry.timeMs)}] ${entry.level.toUpperCase()} ${flat(entry.message)}`;
  const fields = entry.fields;
  if (fields !== undefined) {
    for (const key of Object.keys(fields)) line += ` ${key}=${fieldText(fields[key])}`;
  }
  if (entry.component !== '') line += ` (${entry.component})`;
  return line;
}

function localTime(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${day} ${clock},${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** Control characters (C0 and C1), other ends of lines, and what turns the direction of text. */
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text of strangers in a line that people read: with those written as JSON writes them, also what
 * JSON would leave.
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function flat(text: string): string {
  return printable(/[\r\n]/.test(text) ? text.replace(/\s*[\r\n]+\s*/g, ' | ') : text);
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(flat(value.stack ?? String(value)));
  if (typeof value === 'string') {
    return printable(value === '' || /[\s"=]/.test(value) ? JSON.stringify(value) : value);
  }
  if (typeof value === 'object' && value !== null) return objectText(value);
  return String(value);
}

function objectText(value: object): string {
  try {
    return printable(JSON.stringify(value) ?? String(value));
  } catch {
    // Circular, or with a bigint inside: its name is all that fits on a line.
    return Object.prototype.toString.call(value);
  }
}
