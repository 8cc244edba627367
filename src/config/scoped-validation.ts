// Whether configurations that a client asks for may be stored, as errors of the protocol.

import { KafkaError } from '../protocol/index.ts';
import { brokerDefinition, listenerKeyDefinition } from './broker-definitions.ts';
import { ConfigError } from './config-error.ts';
import { type Definition, type Definitions, isSensitive } from './definition.ts';
import { refusalOf } from './refusal.ts';
import { parseValue } from './value.ts';

/** Checks names and values one by one; returns them without nulls, of which there are none. */
export function validateConfigs(
  kind: string,
  definitions: Definitions,
  configs: ReadonlyMap<string, string | null>,
): ReadonlyMap<string, string> {
  const valid = new Map<string, string>();
  for (const [name, text] of configs) {
    const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (definition === undefined) {
      throw new KafkaError('INVALID_CONFIG', `Unknown ${kind} config name: ${name}`);
    }
    if (text === null) {
      throw new KafkaError('INVALID_CONFIG', `Null value not supported for ${kind} config ${name}`);
    }
    assertValue(name, definition, text);
    valid.set(name, text);
  }
  return valid;
}

/**
 * Whether a running broker takes these changes: `perBroker` for one broker, otherwise for all.
 * Throws KafkaError INVALID_REQUEST for keys that only a restart changes, or not at this level, and
 * INVALID_CONFIG for values. Unknown keys are stored, as Kafka does: they may be a plugin's.
 */
export function validateDynamicBrokerConfigs(
  configs: ReadonlyMap<string, string>,
  { perBroker }: { readonly perBroker: boolean },
): void {
  const fixed: string[] = [];
  const single: string[] = [];
  const prefixedOnly: string[] = [];
  for (const name of configs.keys()) {
    const prefixed = listenerKeyDefinition(name);
    if (prefixed === undefined && /^(ssl|sasl)\./.test(name)) {
      if (brokerDefinition(name)?.update === 'per-broker') prefixedOnly.push(name);
    }
    const update = (brokerDefinition(name) ?? prefixed)?.update;
    if (update === 'read-only') fixed.push(name);
    else if (update === 'per-broker' || prefixed !== undefined) single.push(name);
  }
  if (fixed.length > 0) {
    const keys = `[${fixed.join(', ')}]`;
    throw new KafkaError('INVALID_REQUEST', `Cannot update these configs dynamically: ${keys}`);
  }
  if (prefixedOnly.length > 0) {
    const how = 'can be dynamically updated only per-listener using the listener prefix';
    const keys = `[${prefixedOnly.join(', ')}]`;
    throw new KafkaError('INVALID_REQUEST', `These security configs ${how}: ${keys}`);
  }
  if (!perBroker && single.length > 0) {
    const where = 'at default cluster level, broker id must be specified';
    const keys = `[${single.join(', ')}]`;
    throw new KafkaError('INVALID_REQUEST', `Cannot update these configs ${where}: ${keys}`);
  }
  for (const [name, text] of configs) {
    const definition = brokerDefinition(name) ?? listenerKeyDefinition(name);
    if (definition !== undefined) assertValue(name, definition, text);
  }
}

function assertValue(name: string, definition: Definition, text: string): void {
  try {
    parseValue(name, definition, text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const shown = isSensitive(definition, text) ? '[hidden]' : text.trim();
    const why = refusalOf(definition, text.trim());
    throw new KafkaError(
      'INVALID_CONFIG',
      `Invalid value ${shown} for configuration ${name}: ${why}`,
    );
  }
}
