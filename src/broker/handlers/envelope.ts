// Envelope (KIP-590): what a broker asks the controller on behalf of a client, in plain values. The
// broker that the client speaks to has authorised it, and charges it by the answer. This one looks
// at the client's rights again, by its own ACLs; who sends an Envelope must be a broker.

import type { Controller } from '../../metadata/index.ts';
import { envelope, KafkaError } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { isRepeatable } from '../requests/peer.ts';
import { decodeValue, encodeValue } from '../requests/wire-values.ts';
import { assertMayForward } from './forwarded-rights.ts';

type Ask = (request: unknown) => Promise<unknown>;

export const envelopeHandler = defineHandler(envelope, async (asked, context) => {
  assertMayOnCluster(context, AclOperation.CLUSTER_ACTION);
  const { name, request } = enclosed(asked.requestData);
  const { broker } = context;
  const controller = broker.ownController as unknown as Readonly<Record<string, Ask>>;
  try {
    assertMayForward({ name, request }, asked, broker);
    const answer = await controller[name]?.(request);
    return { errorCode: 0, responseData: encodeValue(answer) };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { errorCode: error.code, responseData: encodeValue(error.message) };
  }
});

function enclosed(bytes: Buffer): { name: keyof Controller; request: unknown } {
  const value = decodeValue(bytes) as { name?: unknown; request?: unknown } | undefined;
  const name = String(value?.name);
  const isKnown = Object.hasOwn(isRepeatable, name) && !otherRoles.includes(name);
  if (isKnown) return { name: name as keyof Controller, request: value?.request };
  throw new KafkaError('UNSUPPORTED_VERSION', `this controller does not know the request ${name}`);
}

/** What brokers ask of others than the controller. */
const otherRoles: readonly string[] = ['addPartitions', 'writeTransactionMarkers'];
