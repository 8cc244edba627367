// Values that are written elsewhere: `${file:PATH:KEY}` and `${env:NAME}` in a file, a variable or
// an argument stand for what a properties file or the environment holds, under Kafka's names of
// providers (KIP-297, KIP-421, KIP-887), which need not be configured here.
//
// Invariants: what comes over the wire is never looked at for references; a reference to something
// that is not there is refused with key and remedy; no message has what a reference stands for.

import { ConfigError } from './config-error.ts';
import { decodeProperties, parseProperties } from './properties.ts';

export interface ReferenceSources {
  /** null: there is no such file. Throws for one that cannot be read. */
  readonly readFile: (path: string) => Uint8Array | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Properties = ReadonlyMap<string, string>;

/** What a reference names: `path` is empty where it has none. */
interface Named {
  readonly path: string;
  readonly key: string;
}

/** @throws Problem */
type Provider = (named: Named) => string;
type NewProvider = (sources: ReferenceSources, param: (name: string) => string | null) => Provider;

/** What is wrong with a reference, in words that follow the key. */
class Problem extends Error {}

const kafkas = 'org.apache.kafka.common.config.provider.';
const classes: Readonly<Record<string, NewProvider>> = {
  [`${kafkas}FileConfigProvider`]: fileProvider,
  [`${kafkas}DirectoryConfigProvider`]: directoryProvider,
  [`${kafkas}EnvVarConfigProvider`]: environmentProvider,
};
/** Known without `config.providers`. */
const unnamed: Readonly<Record<string, string>> = {
  file: `${kafkas}FileConfigProvider`,
  env: `${kafkas}EnvVarConfigProvider`,
};

const settings = /^config\.providers(\.|$)/;
const reference = /\$\{([^}:]*):(?:([^}]*?):)?([^}]*)\}/g;

/**
 * The properties with what their references stand for; the settings of the providers stay as they
 * are. As in Kafka a reference to a provider that nobody knows is left as it is written.
 * @throws ConfigError
 */
export function resolveReferences(given: Properties, sources: ReferenceSources): Properties {
  const hasReferences = [...given.values()].some((text) => text.includes(`\${`));
  const hasSettings = [...given.keys()].some((key) => settings.test(key));
  if (!hasReferences && !hasSettings) return given;
  const providers = providersOf(given, sources);
  const resolved = new Map<string, string>();
  for (const [key, text] of given) {
    resolved.set(key, settings.test(key) ? text : resolvedText(key, text, providers));
  }
  return resolved;
}

function resolvedText(key: string, text: string, providers: ReadonlyMap<string, Provider>): string {
  return text.replace(reference, (whole, name: string, path: string | undefined, named: string) => {
    const provider = providers.get(name);
    if (provider === undefined) return whole;
    try {
      return provider({ path: path ?? '', key: named });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw new ConfigError(key, `configuration ${key} refers to ${whole}: ${error.message}`);
    }
  });
}

function providersOf(given: Properties, sources: ReferenceSources): Map<string, Provider> {
  const named = (given.get('config.providers') ?? '').split(',').map((each) => each.trim());
  const providers = new Map<string, Provider>();
  for (const name of new Set([...Object.keys(unnamed), ...named])) {
    if (name === '') continue;
    const key = `config.providers.${name}.class`;
    const className = given.get(key)?.trim() ?? unnamed[name];
    if (className === undefined) {
      throw new ConfigError(key, `config.providers names ${name}: set ${key}, too`);
    }
    const provider = Object.hasOwn(classes, className) ? classes[className] : undefined;
    if (provider === undefined) {
      const known = Object.keys(classes).join(', ');
      throw new ConfigError(key, `${key} is ${className}: it may be one of ${known}`);
    }
    const param = (parameter: string): string | null =>
      given.get(`config.providers.${name}.param.${parameter}`) ?? null;
    providers.set(name, provider(sources, param));
  }
  return providers;
}

/** `${file:PATH:KEY}`: the value of a key in a properties file. */
function fileProvider({ readFile }: ReferenceSources, param: (name: string) => string | null) {
  const files = new Map<string, Properties>();
  const allowed = allowedPaths(param);
  return ({ path, key }: Named): string => {
    if (path === '') throw new Problem(`expected \${file:PATH:KEY}`);
    allowed(path);
    let file = files.get(path);
    if (file === undefined) {
      file = parsed(path, read(readFile, path));
      files.set(path, file);
    }
    const value = file.get(key);
    if (value === undefined) throw new Problem(`${path} has no key ${key}: add it, or correct it`);
    return value;
  };
}

/** `${dir:PATH:NAME}`: the whole of a file in a folder. */
function directoryProvider({ readFile }: ReferenceSources, param: (name: string) => string | null) {
  const allowed = allowedPaths(param);
  return ({ path, key }: Named): string => {
    if (path === '' || key.includes('/')) throw new Problem(`expected \${NAME:FOLDER:FILE}`);
    allowed(path);
    return Buffer.from(read(readFile, `${path}/${key}`)).toString('utf8');
  };
}

/** `${env:NAME}`: a variable of this process. */
function environmentProvider({ env }: ReferenceSources, param: (name: string) => string | null) {
  const pattern = patternOf(param('allowlist.pattern'));
  return ({ path, key }: Named): string => {
    if (path !== '') throw new Problem(`expected \${env:NAME}`);
    if (pattern !== null && !pattern.test(key)) {
      throw new Problem(`${key} is not within the provider's allowlist.pattern`);
    }
    const value = env[key];
    if (value === undefined) throw new Problem(`there is no variable ${key}: export it`);
    return value;
  };
}

function patternOf(text: string | null): RegExp | null {
  if (text === null) return null;
  try {
    return new RegExp(`^(?:${text})$`);
  } catch {
    const key = 'allowlist.pattern';
    throw new ConfigError(key, `the ${key} of a provider is ${text}, and no regular expression`);
  }
}

/** KIP-993. Throws a Problem for what is in none of the allowed folders. */
function allowedPaths(param: (name: string) => string | null): (path: string) => void {
  const allowed = param('allowed.paths')?.split(',').map(withoutDots) ?? null;
  return (path) => {
    if (allowed === null) return;
    const plain = withoutDots(path);
    if (allowed.some((each) => plain === each || plain.startsWith(`${each}/`))) return;
    throw new Problem(`${path} is not below the provider's allowed.paths`);
  };
}

function withoutDots(path: string): string {
  const parts: string[] = [];
  for (const part of path.trim().split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `${path.trim().startsWith('/') ? '/' : ''}${parts.join('/')}`;
}

function read(readFile: ReferenceSources['readFile'], path: string): Uint8Array {
  let content: Uint8Array | null;
  try {
    content = readFile(path);
  } catch (error) {
    throw new Problem((error as Error).message);
  }
  if (content === null) throw new Problem(`there is no file ${path}: make it, or correct the path`);
  return content;
}

function parsed(path: string, content: Uint8Array): Properties {
  try {
    return parseProperties(decodeProperties(content));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // What it says quotes the file.
    throw new Problem(`${path} has a malformed escape: expected \\u and four hex digits`);
  }
}
