// Options under Java's names, as they stand in the documents of Kafka: `'linger.ms'` beside
// `lingerMs`, and a file of properties. All become the options of camelCase before anything else
// sees them.
//
// Invariant: what the program gives wins over a file; two names of one option are an error, since
// nobody can say which was meant.

import {
  decodeProperties,
  PropertiesSyntaxError,
  parseProperties,
} from '../base/java-properties.ts';
import { type Io, IoError } from '../io/index.ts';
import { ClientConfigError } from './client-config-error.ts';
import {
  clientRules,
  optionsFromProperties,
  type PropertyRule,
  parseProperty,
} from './client-options.ts';
import { type SecurityOptions, securityFromProperties } from './security-options.ts';

export type Rules = Readonly<Record<string, PropertyRule>>;

/** The options in camelCase. @throws ClientConfigError */
export function withoutJavaNames<Options extends object>(
  options: Options,
  rules: Rules,
  io: Io,
): Options {
  if (typeof options !== 'object' || options === null) return options;
  const names = Object.keys(options);
  if (!names.some((name) => name === 'properties' || name.includes('.'))) return options;
  const { properties, ...given } = options as Record<string, unknown>;
  const own = renamed(given, { ...clientRules, ...rules });
  if (properties === undefined) return own as Options;
  return { ...fromFile(io, properties, rules), ...withoutUndefined(own) } as Options;
}

function fromFile(io: Io, path: unknown, rules: Rules): object {
  if (typeof path !== 'string') {
    throw new ClientConfigError(`properties is ${String(path)}: expected the path of a file`);
  }
  const { options, warnings } = optionsFromProperties(readProperties(io, path), rules);
  const log = io.log.child('client');
  for (const warning of warnings) log.warn(`${path}: ${warning}`);
  return options as object;
}

function readProperties(io: Io, path: string): ReadonlyMap<string, string> {
  try {
    const bytes = io.disk.readFile(path);
    if (bytes === null) throw new ClientConfigError(`properties: there is no file ${path}`);
    const properties = parseProperties(decodeProperties(bytes));
    if (!properties.has('config.providers')) return properties;
    const remedy = 'give what they stand for as options';
    throw new ClientConfigError(`properties: ${path} has config.providers: ${remedy}`);
  } catch (error) {
    if (!(error instanceof PropertiesSyntaxError || error instanceof IoError)) throw error;
    throw new ClientConfigError(`properties: ${path}: ${error.message}`);
  }
}

function renamed(given: Record<string, unknown>, rules: Rules): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const security = new Map<string, string>();
  const names = new Map<string, string>();
  const set = (name: string, value: unknown, from: string): void => {
    const other = names.get(name);
    if (other !== undefined) {
      throw new ClientConfigError(`${other} and ${from} are the same option: give one of them`);
    }
    names.set(name, from);
    options[name] = value;
  };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const rule = name.includes('.') && Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule !== undefined) set(rule[0], readValue(name, value, rule), name);
    else if (/^(security|sasl|ssl)\./.test(name)) security.set(name, String(value));
    else set(name, value, name);
  }
  if (security.size === 0) return options;
  const { securityProtocol } = options;
  const isElsewhere = typeof securityProtocol === 'string' && !security.has('security.protocol');
  if (isElsewhere) security.set('security.protocol', securityProtocol);
  const { options: secured, known } = securityFromProperties(security);
  for (const name of security.keys()) {
    // Not known: option-checks.ts finds the nearest.
    if (!known.has(name) && name in given) options[name] = given[name];
  }
  for (const [name, value] of Object.entries(secured as SecurityOptions)) {
    const from = Object.keys(given).find((key) => key.startsWith(prefixes[name] ?? name));
    // What only follows from the protocol does not replace what was given.
    if (from !== undefined || !(name in options)) set(name, value, from ?? name);
  }
  return options;
}

const prefixes: Readonly<Record<string, string>> = {
  securityProtocol: 'security.protocol',
  ssl: 'ssl.',
  sasl: 'sasl.',
};

/** A text that needs more than a look (classes of assignors …) is read as in a file. */
function readValue(name: string, value: unknown, [, kind]: PropertyRule): unknown {
  return typeof kind === 'function' && typeof value === 'string'
    ? parseProperty(name, value, kind)
    : value;
}

function withoutUndefined(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
