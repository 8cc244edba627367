// The value of --add-config: k1=v1,k2=[a,b],k3=v3. Brackets keep commas in one value.

import { UsageError } from '../command-line.ts';

export function parseAddedConfigs(text: string): Map<string, string> {
  const configs = new Map<string, string>();
  if (text.trim() === '') return configs;
  for (const pair of splitOutsideBrackets(text)) {
    const at = pair.indexOf('=');
    if (at <= 0) {
      throw new UsageError(
        `Invalid entity config '${pair.trim()}': all configs to be added must be in the format ` +
          '"key=val" or "key=[val1,val2]" to group values which contain commas',
      );
    }
    const value = pair.slice(at + 1).trim();
    configs.set(pair.slice(0, at).trim(), value.replace(/^\[(.*)\]$/s, '$1').trim());
  }
  return configs;
}

function splitOutsideBrackets(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '[') depth++;
    else if (letter === ']') depth = Math.max(0, depth - 1);
    else if (letter === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}
