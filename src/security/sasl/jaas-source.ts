// Where login modules and their options come from: a key with the text itself, or a section of the
// file that KAFKA_OPTS=-Djava.security.auth.login.config=FILE names, as for Kafka.
//
// Invariant: what is there and cannot be read is refused with the key or the file; what a key says
// stands in front of what a file says.

import { type BrokerConfig, ConfigError } from '../../config/index.ts';
import { type Io, IoError } from '../../io/index.ts';
import { type JaasEntry, type JaasSections, parseJaas, parseJaasConfig } from './jaas-file.ts';

export const jaasProperty = 'java.security.auth.login.config';

export interface JaasSource {
  /** The key, or the section of the file: for messages. */
  readonly name: string;
  readonly entries: readonly JaasEntry[];
}

/** The sections of a file. @throws ConfigError that names the file and the line */
export function readJaasFile({ disk }: Pick<Io, 'disk'>, path: string): JaasSections {
  const what = `${jaasProperty} (KAFKA_OPTS)`;
  try {
    const content = disk.readFile(path);
    if (content === null) throw new ConfigError(null, `there is no file ${path}`);
    return parseJaas(content.toString());
  } catch (error) {
    if (error instanceof IoError) throw new ConfigError(null, `${what}: ${error.message}`);
    if (!(error instanceof ConfigError)) throw error;
    const isMissing = error.message.startsWith('there is no file');
    const where = isMissing ? '' : `${path}, `;
    throw new ConfigError(null, `${what}: ${where}${error.message}`);
  }
}

/** What a key says. @throws ConfigError that names the key and the line */
export function jaasOfKey(key: string, text: string): JaasSource {
  try {
    return { name: key, entries: [parseJaasConfig(text)] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(key, `${key}: ${error.message}`);
  }
}

/**
 * What a broker has for one mechanism of a listener: the key of both, or the section
 * `listener.KafkaServer` or `KafkaServer` of the file; null if neither is there. As in Kafka
 * `sasl.jaas.config` without a listener and a mechanism is not for the broker.
 */
export function brokerJaas(
  io: Pick<Io, 'disk'>,
  config: BrokerConfig,
  { listener, mechanism }: { readonly listener: string; readonly mechanism: string },
): JaasSource | null {
  const key = brokerJaasKey(listener, mechanism);
  const text = config.withPrefix(key).get('');
  if (text !== undefined) return jaasOfKey(key, text);
  const sections = [`${listener.toLowerCase()}.KafkaServer`, 'KafkaServer'];
  return sectionOf(io, config.systemProperties, sections);
}

export function brokerJaasKey(listener: string, mechanism: string): string {
  return `listener.name.${listener.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config`;
}

/** The first of these sections that the file has; null without a file or a section. */
export function sectionOf(
  io: Pick<Io, 'disk'>,
  systemProperties: ReadonlyMap<string, string>,
  sections: readonly string[],
): JaasSource | null {
  const path = systemProperties.get(jaasProperty);
  if (path === undefined) return null;
  const found = readJaasFile(io, path);
  const section = sections.find((each) => found.has(each));
  if (section === undefined) return null;
  return { name: `the section ${section} of ${path}`, entries: found.get(section) ?? [] };
}
