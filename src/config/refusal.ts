// Why a text that a client asks to store is no value of a key, in the words that users of Kafka's
// tools know. Where Kafka has none of its own, in ours: what was expected.

import type { Definition } from './definition.ts';
import { describeValues } from './value.ts';

const integerRanges = {
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

export function refusalOf(definition: Definition, text: string): string {
  const { type, oneOf, shape } = definition;
  const expected = describeValues(definition);
  if (type === 'boolean') return 'Expected value to be either true or false';
  if (type === 'double' || type === 'int' || type === 'long' || type === 'short') {
    return refusedNumber(type, definition, text) ?? `expected ${expected}`;
  }
  if (oneOf === undefined || shape !== undefined) return `expected ${expected}`;
  return `String must be one of: ${oneOf.join(', ')}`;
}

function refusedNumber(
  type: 'double' | 'int' | 'long' | 'short',
  { min, max }: Definition,
  text: string,
): string | null {
  if (!isNumberOf(type, text)) return `Not a number of type ${type.toUpperCase()}`;
  const value = Number(text);
  if (min !== undefined && value < min) return `Value must be at least ${shown(type, min)}`;
  if (max !== undefined && value > max) return `Value must be no more than ${shown(type, max)}`;
  return null;
}

function isNumberOf(type: 'double' | keyof typeof integerRanges, text: string): boolean {
  if (type === 'double') return text !== '' && Number.isFinite(Number(text));
  if (!/^[+-]?\d{1,19}$/.test(text)) return false;
  const [least, most] = integerRanges[type];
  const exact = BigInt(text.replace(/^\+/, ''));
  return exact >= least && exact <= most;
}

function shown(type: string, bound: number): string {
  return type === 'double' && Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}
