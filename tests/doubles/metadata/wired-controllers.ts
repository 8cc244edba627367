// Controllers as if they were in another process: what is asked and what is answered is copied on
// its way, and what a wire cannot carry is refused. A rejection crosses as code and message.

import { assert } from '../../../src/base/assert.ts';
import type { Controller } from '../../../src/metadata/controller/api.ts';
import { MetadataController } from '../../../src/metadata/controller/metadata-controller.ts';
import { KafkaError } from '../../../src/protocol/index.ts';

const methods: Record<keyof Controller, true> = {
  createTopics: true,
  deleteTopics: true,
  createPartitions: true,
  alterConfigs: true,
  incrementalAlterConfigs: true,
  allocateProducerIds: true,
  registerBroker: true,
  unregisterBroker: true,
  brokerHeartbeat: true,
  metadataProgress: true,
  alterPartition: true,
  electLeaders: true,
  alterReassignments: true,
  assignReplicasToDirs: true,
  reportOffline: true,
  alterClientQuotas: true,
  alterScramCredentials: true,
  createAcls: true,
  deleteAcls: true,
  createToken: true,
  renewToken: true,
  expireToken: true,
  updateFeatures: true,
};

export const controllerMethods = Object.keys(methods) as (keyof Controller)[];

type Method = (request: unknown) => Promise<unknown>;

/** Every controller of this process is asked over a wire from now on. */
export function putControllersOnWire(): void {
  const prototype = MetadataController.prototype as unknown as Record<string, Method>;
  for (const name of controllerMethods) {
    const method = prototype[name] as Method;
    prototype[name] = async function overWire(this: unknown, request: unknown) {
      try {
        return crossed(await method.call(this, crossed(request)));
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        throw KafkaError.fromCode(error.code, error.message);
      }
    };
  }
}

export function crossed<T>(value: T): T {
  assertPlain(value, 'it');
  return structuredClone(value);
}

/** structuredClone itself would silently make a plain object of an instance. */
function assertPlain(value: unknown, path: string): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
    assert(typeof value !== 'function', `${path} is a function: it cannot cross a wire`);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = [Object.prototype, Array.prototype, Map.prototype, Set.prototype].includes(
    prototype as object,
  );
  const name = (value.constructor as { readonly name?: string } | undefined)?.name;
  assert(isPlain, `${path} is a ${name}: it cannot cross a wire`);
  const parts =
    value instanceof Map || value instanceof Set
      ? [...value].flat().entries()
      : Object.entries(value);
  for (const [key, part] of parts) assertPlain(part, `${path}.${key}`);
}
