// Java's .properties format, as java.util.Properties reads it: comments with # or !, key and value
// separated by =, : or white space, backslash escapes, lines continued by an odd number of
// trailing backslashes. The text is already decoded: bytes that are no UTF-8 are ISO-8859-1, as
// Java reads them.

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/** Decodes a file: UTF-8 where it is valid, otherwise ISO-8859-1, which every byte is. */
export function decodeProperties(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

/** What is thrown for a text that Java could not read either. */
export class PropertiesSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PropertiesSyntaxError';
  }
}

/**
 * Reads .properties text; a key that comes twice keeps its last value.
 * @throws PropertiesSyntaxError
 */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const { key, value } = splitLine(line);
    properties.set(unescapeText(key), unescapeText(value));
  }
  return properties;
}

/** Natural lines joined where one ends in an odd number of backslashes, without comments. */
function* logicalLines(text: string): Generator<string> {
  let pending: string | null = null;
  for (const natural of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const line = natural.replace(/^[ \t\f]+/, '');
    if (pending === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue;
    const joined: string = (pending ?? '') + line;
    // Only the backslashes of this natural line count: an escape never spans two.
    const trailing = (line.match(/\\*$/) as RegExpMatchArray)[0].length;
    if (trailing % 2 === 1) {
      pending = joined.slice(0, -1);
      continue;
    }
    pending = null;
    if (joined !== '') yield joined;
  }
  if (pending !== null && pending !== '') yield pending;
}

/** The key ends at the first separator that no backslash escapes. */
function splitLine(line: string): { key: string; value: string } {
  let end = 0;
  while (end < line.length && !/[=: \t\f]/.test(line[end] as string)) {
    end += line[end] === '\\' ? 2 : 1;
  }
  const rest = line.slice(end);
  return { key: line.slice(0, end), value: rest.replace(/^[ \t\f]*[=:]?[ \t\f]*/, '') };
}

function unescapeText(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:u(.{0,4})|([^u])|$)/gs, (whole, hex?: string, char?: string) => {
    if (hex !== undefined) {
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) {
        const problem = `malformed escape ${whole}`;
        throw new PropertiesSyntaxError(`${problem}: expected \\u and four hex digits`);
      }
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    return char === undefined ? '' : (escapes[char] ?? char);
  });
}

/** Writes properties so that Java and `parseProperties` read the same back; comments come first. */
export function formatProperties(
  properties: Iterable<readonly [string, string]>,
  comments: readonly string[] = [],
): string {
  const lines = comments.map((comment) => `#${comment}`);
  for (const [key, value] of properties) lines.push(`${escapeKey(key)}=${escapeValue(value)}`);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

const escapeKey = (key: string): string => escapeText(key).replace(/[ =:#!]/g, '\\$&');

const escapeValue = (value: string): string =>
  escapeText(value).replace(/^ +/, (spaces) => spaces.replace(/ /g, '\\ '));

function escapeText(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '\\': '\\\\',
    '\t': '\\t',
    '\n': '\\n',
    '\r': '\\r',
    '\f': '\\f',
  };
  return text.replace(/[^\x20-\x5b\x5d-\x7e]/g, (char) => {
    const hex = char.charCodeAt(0).toString(16).padStart(4, '0');
    return named[char] ?? `\\u${hex}`;
  });
}
