// From the name of Kerberos to the name of a user: sasl.kerberos.principal.to.local.rules, Hadoop's
// rules as Kafka has them. The first one that applies decides.
//
//   RULE:[n:format](pattern)s/from/to/g/L    DEFAULT
//
// Of a name with n parts `format` makes a text ($0 the realm, $1 and $2 the parts); the whole of
// which has to match `pattern`; what matches `from` is replaced, all of it with g; L and U change
// letters.
//
// Invariants: patterns are matched in linear time (RE2), whatever is in a name; a name that no rule
// applies to, and one that still has a part or a realm, is nobody.

import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { ConfigError } from '../../config/index.ts';
import { replaced, replacementParts } from '../replacement.ts';
import { SaslError } from '../sasl/sasl-exchange.ts';

const key = 'sasl.kerberos.principal.to.local.rules';

/** @throws SaslError: it is nobody */
export type LocalNames = (principal: string) => string;

/** The parts of a name; that of the host and the realm may be missing. */
interface KerberosName {
  readonly service: string;
  readonly host: string | null;
  readonly realm: string | null;
}

/** null: the rule does not apply. */
type Rule = (params: readonly string[]) => string | null;

/**
 * @param defaultRealm the one that DEFAULT stands for; null: DEFAULT never applies
 * @throws ConfigError for what is no rule, and for patterns that RE2 does not know
 */
export function localNames(rules: readonly string[], defaultRealm: string | null): LocalNames {
  const made = rules.map((rule) => parseRule(rule.trim(), defaultRealm));
  return (principal) => {
    const { service, host, realm } = parseName(principal);
    if (host === null && realm === null) return service;
    const params = [realm ?? '', service, ...(host === null ? [] : [host])];
    for (const rule of made) {
      const name = rule(params);
      if (name !== null) return name;
    }
    throw nobody(principal, `no rule of ${key} applies to it`);
  };
}

function nobody(principal: string, why: string): SaslError {
  const told = 'Authentication failed: the broker has no user for this Kerberos principal';
  return new SaslError(`${principal}: ${why}`, told);
}

/** As Kafka takes it apart: a host, a realm, no signs of Kerberos in either. */
function parseName(principal: string): KerberosName {
  const match = /^([^/@]*)(?:\/([^/@]*))?@([^/@]*)$/.exec(principal);
  if (match !== null) {
    const [, service = '', host = null, realm = ''] = match;
    return { service, host, realm };
  }
  if (principal.includes('@')) throw nobody(principal, 'it has more parts than rules are made for');
  return { service: principal, host: null, realm: null };
}

const form =
  /^(?:DEFAULT|RULE:\[(\d+):([^\]]*)\](?:\(([^)]*)\))?(?:s\/([^/]*)\/([^/]*)\/(g)?)?\/?([LU])?)$/;

function parseRule(text: string, defaultRealm: string | null): Rule {
  const match = form.exec(text);
  if (match === null) {
    const expected = 'expected RULE:[n:format](pattern)s/from/to/g/L or DEFAULT, between commas';
    throw new ConfigError(key, `${key}: ${text} is no rule; ${expected}`);
  }
  if (text === 'DEFAULT') {
    return ([realm, service]) => (realm === defaultRealm ? simple(service as string, text) : null);
  }
  const [, count, format = '', pattern, from, to = '', isAll, letters] = match;
  const matches = pattern === undefined ? null : compile(pattern, text);
  const replacement = from === undefined ? null : compile(from, text);
  if (replacement !== null) assertGroups(to, replacement, text);
  const parts = replacementParts(to, replacement?.groupCount() ?? 0);
  assertParameters(format, Number(count), text);
  return (params) => {
    if (params.length - 1 !== Number(count)) return null;
    const base = formatted(format, params);
    if (matches !== null && !matches.matches(base)) return null;
    const isFirstOnly = isAll !== 'g';
    const matcher = replacement?.matcher(base);
    const name = matcher === undefined ? base : replaced(base, matcher, parts, { isFirstOnly });
    const local = simple(name, text);
    if (letters === 'L') return local.toLowerCase();
    return letters === 'U' ? local.toUpperCase() : local;
  };
}

/** A name of Kerberos is no name of a user. */
function simple(name: string, rule: string): string {
  if (!/[/@]/.test(name)) return name;
  throw nobody(name, `is what ${rule} makes of it, and still a name of Kerberos`);
}

function formatted(format: string, params: readonly string[]): string {
  return format.replace(/\$(\d+)/g, (_, digits: string) => params[Number(digits)] as string);
}

function assertParameters(format: string, count: number, rule: string): void {
  for (const [whole, digits] of format.matchAll(/\$(\d*)/g)) {
    if (digits !== '' && Number(digits) <= count) continue;
    const range = `$0 to $${count} are its realm and its parts`;
    throw new ConfigError(key, `${key}: ${rule} has ${whole}: ${range}`);
  }
}

function compile(pattern: string, rule: string): RE2JS {
  const library = createRequire(import.meta.url)('re2js') as typeof import('re2js');
  try {
    return library.RE2JS.compile(pattern);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const remedy = 'patterns are those of RE2: without lookahead and back references';
    throw new ConfigError(key, `${key}: ${rule}: the pattern ${pattern} (${why}); ${remedy}`);
  }
}

/** `$1` is a group of the pattern; a backslash takes the meaning of the next sign. */
function assertGroups(to: string, pattern: RE2JS, rule: string): void {
  for (const [whole, digit] of to.matchAll(/\\.|\$(\d?)/gs)) {
    if (whole.startsWith('\\')) continue;
    if (digit !== '' && Number(digit) <= pattern.groupCount()) continue;
    const remedy = `the pattern has ${pattern.groupCount()} groups; write \\$ for the sign itself`;
    throw new ConfigError(key, `${key}: ${rule}: ${whole} is no group: ${remedy}`);
  }
}
