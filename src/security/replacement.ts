// Replacements of Java's regular expressions, in patterns of RE2: rules that make names of users
// out of other names are written with them.

import type { Matcher } from 're2js';

/**
 * Texts, and the numbers of groups. As in Kafka, `$3` is itself where the pattern has but two, and
 * `$12` is the first group before a 2 then.
 */
export function replacementParts(replacement: string, groupCount: number): (string | number)[] {
  return [...replacement.matchAll(/\\(.)|\$(\d+)|([^\\$]+|.)/gs)].flatMap((match) => {
    const [whole, literal, digits] = match;
    if (digits === undefined) return [literal ?? whole];
    let length = digits.length;
    while (length > 0 && Number(digits.slice(0, length)) > groupCount) length--;
    if (length === 0) return [whole];
    return [Number(digits.slice(0, length)), digits.slice(length)];
  });
}

/** Every match within the name, as Java's replaceAll, or the first one alone. */
export function replaced(
  name: string,
  matcher: Matcher,
  parts: readonly (string | number)[],
  { isFirstOnly = false } = {},
): string {
  let result = '';
  let position = 0;
  while (matcher.find()) {
    result += name.slice(position, matcher.start());
    for (const part of parts) {
      result += typeof part === 'string' ? part : (matcher.group(part) ?? '');
    }
    position = matcher.end();
    if (isFirstOnly) break;
  }
  return result + name.slice(position);
}
