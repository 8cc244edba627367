// From the text of a configuration value to its typed value and back, by Kafka's rules: text is
// trimmed, booleans are case-insensitive, lists are split at commas, numbers are Java's. A 64-bit
// number beyond 2^53 is the nearest double; Long.MAX_VALUE and Long.MIN_VALUE are 2^63 and -2^63
// and print as themselves.

import { INT64_MAX } from '../base/int64.ts';
import { ConfigError } from './config-error.ts';
import { type ConfigValue, type Definition, isSensitive } from './definition.ts';

const LONG_MAX = 2n ** 63n - 1n;
const LONG_MIN = -(2n ** 63n);
const DOUBLE_MAX = '1.7976931348623157E308';

const ranges = {
  short: [-(2 ** 15), 2 ** 15 - 1],
  int: [-(2 ** 31), 2 ** 31 - 1],
} as const;

/** Reads a value; throws ConfigError naming key, value and what is allowed. */
export function parseValue<V extends ConfigValue>(
  name: string,
  definition: Definition<V>,
  text: string,
): V {
  const value = readValue(definition, text.trim());
  if (value === undefined) {
    const shown = isSensitive(definition, text) ? '[hidden]' : text.trim();
    throw new ConfigError(
      name,
      `Invalid value ${shown} for configuration ${name}: expected ${describeValues(definition)}`,
    );
  }
  return value as V;
}

/** The value, or undefined when the text is none. */
function readValue(definition: Definition, text: string): ConfigValue | undefined {
  switch (definition.type) {
    case 'boolean': {
      const word = text.toLowerCase();
      return word === 'true' ? true : word === 'false' ? false : undefined;
    }
    case 'short':
    case 'int':
    case 'long':
    case 'double':
      return readNumber(definition, text);
    case 'list':
      return readList(definition, text);
    default:
      return readText(definition, text);
  }
}

function readNumber(definition: Definition, text: string): number | undefined {
  const value = definition.type === 'double' ? readDouble(text) : readInteger(definition, text);
  if (value === undefined || value === definition.or) return value;
  if (definition.min !== undefined && value < definition.min) return undefined;
  if (definition.max !== undefined && value > definition.max) return undefined;
  return value;
}

function readDouble(text: string): number | undefined {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function readInteger(definition: Definition, text: string): number | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined;
  if (definition.type === 'long') {
    const exact = BigInt(text.replace(/^\+/, ''));
    return exact < LONG_MIN || exact > LONG_MAX ? undefined : Number(exact);
  }
  const [least, most] = definition.type === 'short' ? ranges.short : ranges.int;
  const value = Number(text);
  // -0 would print as 0 but not equal it for Object.is.
  return value < least || value > most ? undefined : value + 0;
}

function readList(definition: Definition, text: string): readonly string[] | undefined {
  const items = text === '' ? [] : text.split(/\s*,\s*/);
  if (definition.notEmpty && items.length === 0) return undefined;
  if (definition.oneOf !== undefined) {
    if (items.some((item) => !definition.oneOf?.includes(item))) return undefined;
    if (new Set(items).size !== items.length) return undefined;
  }
  if (definition.check !== undefined && !items.every(definition.check)) return undefined;
  return items;
}

function readText(definition: Definition, text: string): string | undefined {
  if (definition.notEmpty && text === '') return undefined;
  if (definition.check !== undefined && !definition.check(text)) return undefined;
  if (definition.oneOf === undefined) return text;
  const fold = (word: string): string => (definition.isCaseInsensitive ? word.toLowerCase() : word);
  return definition.oneOf.some((word) => fold(word) === fold(text)) ? text : undefined;
}

/** Writes a value as Kafka shows it. */
export function formatValue(definition: Definition, value: ConfigValue): string | null {
  if (value === null) return null;
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'number') return String(value);
  if (definition.type === 'double') {
    if (value === Number.MAX_VALUE) return DOUBLE_MAX;
    return Number.isInteger(value) ? value.toFixed(1) : String(value);
  }
  if (value >= INT64_MAX) return LONG_MAX.toString();
  return BigInt(value).toString();
}

/** What values a key takes, in a few words: for errors and for the documentation. */
export function describeValues(definition: Definition): string {
  const { type, oneOf, min, max, or, shape } = definition;
  if (shape !== undefined) return shape;
  if (type === 'boolean') return 'true or false';
  if (oneOf !== undefined) {
    const words = oneOf.map((word) => (word === '' ? '(empty)' : word)).join(', ');
    return type === 'list' ? `a list of distinct ${words}` : `one of ${words}`;
  }
  if (type === 'list') return definition.notEmpty ? 'a list that is not empty' : 'a list';
  if (type === 'class') return 'a class name';
  if (type === 'string' || type === 'password') {
    return definition.notEmpty ? 'text that is not empty' : 'text';
  }
  const kind = type === 'int' ? 'an int' : `a ${type}`;
  const shown = (bound: number): string => formatValue(definition, bound) as string;
  const range =
    min !== undefined && max !== undefined
      ? ` from ${shown(min)} to ${shown(max)}`
      : min !== undefined
        ? ` of at least ${shown(min)}`
        : max !== undefined
          ? ` of at most ${shown(max)}`
          : '';
  return `${kind}${range}${or === undefined ? '' : `, or ${shown(or)}`}`;
}
