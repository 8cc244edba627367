// Kafka's login modules, by which JAAS says whose options are whose.

import { ConfigError } from '../../config/index.ts';
import type { JaasEntry } from './jaas-file.ts';
import type { JaasSource } from './jaas-source.ts';

const kafka = 'org.apache.kafka.common.security';

const moduleOf: Readonly<Record<string, string>> = {
  GSSAPI: 'com.sun.security.auth.module.Krb5LoginModule',
  PLAIN: `${kafka}.plain.PlainLoginModule`,
  'SCRAM-SHA-256': `${kafka}.scram.ScramLoginModule`,
  'SCRAM-SHA-512': `${kafka}.scram.ScramLoginModule`,
  OAUTHBEARER: `${kafka}.oauthbearer.OAuthBearerLoginModule`,
};

/** What is served, in the order in which it is told. */
export const servedMechanisms: readonly string[] = Object.keys(moduleOf);

/** @throws ConfigError with the remedy */
export function assertMechanism(key: string, mechanism: string): void {
  if (servedMechanisms.includes(mechanism)) return;
  const wanted = `expected ${servedMechanisms.join(', ')}`;
  throw new ConfigError(key, `Invalid value ${mechanism} for configuration ${key}: ${wanted}`);
}

/** The options of the module of a mechanism; null where the source has none. */
export function optionsOf(
  source: JaasSource | null,
  mechanism: string,
): ReadonlyMap<string, string> | null {
  const isOurs = ({ loginModule }: JaasEntry): boolean => loginModule === moduleOf[mechanism];
  return source?.entries.find(isOurs)?.options ?? null;
}

/** @throws ConfigError: the source has no options for the mechanism */
export function demandedOptions(
  source: JaasSource | null,
  mechanism: string,
  remedy: string,
): ReadonlyMap<string, string> {
  const options = optionsOf(source, mechanism);
  if (options !== null) return options;
  const module = moduleOf[mechanism];
  if (source === null) {
    throw new ConfigError(null, `${mechanism} needs the options of ${module}: set ${remedy}`);
  }
  const theirs = source.entries.map(({ loginModule }) => loginModule).join(', ') || 'nothing';
  throw new ConfigError(
    null,
    `${source.name} has ${theirs}, and ${mechanism} needs ${module}: add its line`,
  );
}

/** One option that must be there. @throws ConfigError */
export function demandedOption(
  options: ReadonlyMap<string, string>,
  name: string,
  source: string,
): string {
  const value = options.get(name);
  if (value !== undefined) return value;
  throw new ConfigError(null, `${source} has no ${name}: add ${name}="…" in front of the ;`);
}
