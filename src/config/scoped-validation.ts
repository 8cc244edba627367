// Whether configurations that a client asks for may be stored, as errors of the protocol.

import { KafkaError } from '../protocol/index.ts';
import { brokerDefinition, listenerKeyDefinition } from './broker-definitions.ts';
import { ConfigError } from './config-error.ts';
import type { Definition, Definitions } from './definition.ts';
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
  for (const name of configs.keys()) {
    const prefixed = listenerKeyDefinition(name);
    const update = (brokerDefinition(name) ?? prefixed)?.update;
    if (update === 'read-only') fixed.push(name);
    else if (update === 'per-broker' || prefixed !== undefined) single.push(name);
  }
  if (fixed.length > 0) {
    const keys = fixed.join(', ');
    throw new KafkaError('INVALID_REQUEST', `Cannot update these configs dynamically: ${keys}`);
  }
  if (!perBroker && single.length > 0) {
    const keys = single.join(', ');
    throw new KafkaError('INVALID_REQUEST', `Only a single broker takes these configs: ${keys}`);
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
    throw new KafkaError('INVALID_CONFIG', error.message);
  }
}
