// From the distinguished name of a certificate to the name of a user: ssl.principal.mapping.rules
// (KIP-371). The first rule that matches the whole name decides.
//
// Invariant: patterns are matched in linear time (RE2), whatever a certificate has in its name.

import { ConfigError } from '../../config/index.ts';
import { replaced, replacementParts } from '../replacement.ts';

const key = 'ssl.principal.mapping.rules';

/** null: no rule applies, and whoever has this certificate is not let in. */
export type PrincipalMapping = (distinguishedName: string) => string | null;

interface Rule {
  readonly pattern: string;
  readonly replacement: string;
  readonly letters: '' | 'L' | 'U';
}

/** @throws ConfigError for what is no list of rules, and for patterns that RE2 does not know */
export async function principalMapping(text: string): Promise<PrincipalMapping> {
  const parsed = parseRules(text);
  if (parsed.every((rule) => rule === 'DEFAULT')) {
    return parsed.length > 0 ? (name) => name : () => null;
  }
  const { RE2JS } = await import('re2js');
  const rules = parsed.map((rule): PrincipalMapping => {
    if (rule === 'DEFAULT') return (name) => name;
    const { pattern, replacement, letters } = rule;
    const compiled = compile(() => RE2JS.compile(pattern), pattern);
    const parts = replacementParts(replacement, compiled.groupCount());
    return (name) => {
      if (!compiled.matches(name)) return null;
      const mapped = replaced(name, compiled.matcher(name), parts);
      if (letters === 'L') return mapped.toLowerCase();
      return letters === 'U' ? mapped.toUpperCase() : mapped;
    };
  });
  return (name) => {
    for (const rule of rules) {
      const mapped = rule(name);
      if (mapped !== null) return mapped;
    }
    return null;
  };
}

function compile<T>(attempt: () => T, pattern: string): T {
  try {
    return attempt();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const remedy = 'patterns are those of RE2: without lookahead and back references';
    throw new ConfigError(key, `${key}: the pattern ${pattern} is invalid (${why}); ${remedy}`);
  }
}

function parseRules(text: string): (Rule | 'DEFAULT')[] {
  const rules: (Rule | 'DEFAULT')[] = [];
  // Each part as RULE:pattern/replacement/[LU]; a backslash takes the meaning of the next sign.
  const form = /\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?))?\s*(?:,|$)/suy;
  while (form.lastIndex < text.length) {
    const from = form.lastIndex;
    const match = form.exec(text);
    if (match === null) {
      const forms = 'expected RULE:pattern/replacement/[LU] or DEFAULT, between commas';
      throw new ConfigError(key, `${key}: ${text.slice(from).trim()} is no rule; ${forms}`);
    }
    const [, isDefault, pattern, replacement, letters] = match;
    if (isDefault !== undefined) rules.push('DEFAULT');
    else if (pattern !== undefined && replacement !== undefined) {
      rules.push({ pattern, replacement, letters: letters as Rule['letters'] });
    }
  }
  return rules;
}
