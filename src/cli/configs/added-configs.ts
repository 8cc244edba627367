// The value of --add-config: k1=v1,k2=[a,b],k3=v3. Brackets keep commas in one value.
//
// Invariant: no message has a value of it that may be a password, or a part of one.

import { isSecretOfBroker } from '../../config/index.ts';
import { UsageError } from '../command-line.ts';

export function parseAddedConfigs(text: string): Map<string, string> {
  const configs = new Map<string, string>();
  if (text.trim() === '') return configs;
  for (const pair of splitOutsideBrackets(text)) {
    const at = pair.indexOf('=');
    if (at <= 0) {
      const last = [...configs.keys()].at(-1);
      const where = last === undefined ? '' : ` behind ${last}`;
      throw new UsageError(
        `Invalid entity config${where}: all configs to be added must be in the format ` +
          '"key=val" or "key=[val1,val2]" to group values which contain commas',
      );
    }
    const value = pair.slice(at + 1).trim();
    configs.set(pair.slice(0, at).trim(), value.replace(/^\[(.*)\]$/s, '$1').trim());
  }
  return configs;
}

const secretWords = /pass|secret|token|credential|jaas|scram|sealed/i;

/** The arguments of the tool as they may be printed. */
export function withoutSecrets(args: readonly string[]): string {
  const flag = '--add-config';
  const shown = args.map((arg, index) => {
    if (args[index - 1] === flag) return shownConfigs(arg);
    return arg.startsWith(`${flag}=`) ? `${flag}=${shownConfigs(arg.slice(flag.length + 1))}` : arg;
  });
  return shown.join(' ');
}

/** A part without a key belongs to the value before. */
function shownConfigs(text: string): string {
  let isHidden = false;
  const parts = splitOutsideBrackets(text).map((pair) => {
    const at = pair.indexOf('=');
    if (at <= 0) return isHidden ? '[hidden]' : pair;
    const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
    isHidden = secretWords.test(key) || isPasswordOfBroker(key.trim(), value);
    return isHidden ? `${key}=[hidden]` : pair;
  });
  return parts.join(',');
}

/** Of what brokers know; topics, users and others have keys without passwords. */
function isPasswordOfBroker(key: string, value: string): boolean {
  return /^(ssl|sasl|listener\.name|cluster\.store)\./.test(key) && isSecretOfBroker(key, value);
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
