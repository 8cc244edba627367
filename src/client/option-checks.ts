// What a compiler would say of options, for those who have none: names that do not exist, Java's
// spellings, values of the wrong kind. An option that is silently ignored is found in production.

import { nearestName } from '../base/nearest-name.ts';
import {
  ClientConfigError,
  clientRules,
  type PropertyKind,
  type PropertyRule,
} from './client-options.ts';
import { securityOptionNames } from './security-options.ts';

/**
 * Throws a ClientConfigError for an option that this client does not have or that is of the wrong
 * kind. `functions` are the options that no property file can hold.
 */
export function assertOptions(
  options: object,
  ownRules: Readonly<Record<string, PropertyRule>>,
  functions: readonly string[] = [],
): void {
  const others: readonly string[] = [...functions, ...securityOptionNames, 'logger', 'keepAlive'];
  if (typeof options !== 'object' || options === null) {
    throw new ClientConfigError('options are missing: give at least { bootstrapServers }');
  }
  const rules = { ...clientRules, ...ownRules };
  const kinds = new Map<string, PropertyKind>(Object.values(rules));
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const kind = kinds.get(name);
    if (kind !== undefined) assertKind(name, value, kind);
    else if (!others.includes(name)) {
      const known = name.includes('.') ? Object.keys(rules) : [...kinds.keys(), ...others];
      const meant = nearestOption(name, known);
      const hint = meant === null ? `; there are ${known.sort().join(', ')}` : `: use ${meant}`;
      throw new ClientConfigError(`there is no option ${name}${hint}`);
    }
  }
}

function nearestOption(name: string, known: readonly string[]): string | null {
  const lower = name.toLowerCase();
  return known.find((each) => each.toLowerCase() === lower) ?? nearestName(name, known);
}

function assertKind(name: string, value: unknown, kind: PropertyKind): void {
  if (typeof kind === 'function') return;
  const expected = mismatch(name, value, kind);
  if (expected === null) return;
  const shown = typeof value === 'string' ? `"${value}"` : String(value);
  throw new ClientConfigError(`${name} is ${shown}: expected ${expected}`);
}

/** Pauses and sizes are not negative; -1 turns the limit of idle connections off, as in Java. */
function isNumber(name: string, value: unknown): boolean {
  if (typeof value !== 'number' || Number.isNaN(value)) return false;
  const mayBeNegative = name === 'connectionsMaxIdleMs' || name === 'compressionLevel';
  return value >= 0 || mayBeNegative;
}

function boundOf(value: unknown): string {
  return typeof value === 'number' && value < 0 ? ', 0 or more' : '';
}

function unitOf(name: string): string {
  if (name.endsWith('Ms')) return ' of milliseconds';
  return name.endsWith('Bytes') ? ' of bytes' : '';
}

/** What was expected instead; null if the value is of its kind. */
function mismatch(
  name: string,
  value: unknown,
  kind: Exclude<PropertyKind, (...args: never) => unknown>,
): string | null {
  switch (kind) {
    case 'number':
      return isNumber(name, value) ? null : `a number${unitOf(name)}${boundOf(value)}`;
    case 'flag':
      return typeof value === 'boolean' ? null : 'true or false';
    case 'text': {
      if (name === 'bootstrapServers' && Array.isArray(value)) return null;
      return typeof value === 'string' ? null : 'a string';
    }
    default:
      return kind.includes(String(value)) ? null : `one of ${kind.join(', ')}`;
  }
}
