// ApiVersions: what this broker serves, in which versions. It is the first request of nearly every
// client, so it must be cheap: the list is made once.

import { supportedFeatures } from '../../metadata/index.ts';
import { apiVersions, KafkaError } from '../../protocol/index.ts';
import { defineHandler, type Handler, type RequestContext } from '../handler.ts';

interface ApiRange {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** Kafka's pattern for names and versions of client software (KIP-511). */
const softwarePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;

/** `handlers` is called late: the list that it returns contains the handler made here. */
export function apiVersionsHandler(handlers: () => readonly Handler[]): Handler {
  let ranges: ApiRange[] | null = null;
  return defineHandler(apiVersions, (request, context) => {
    if (context.apiVersion >= 3) {
      assertSoftware(request.clientSoftwareName, request.clientSoftwareVersion);
      context.client.softwareName = request.clientSoftwareName;
      context.client.softwareVersion = request.clientSoftwareVersion;
    }
    if (context.apiVersion >= 5) assertNode(request, context);
    ranges ??= rangesOf(handlers());
    const features = [...context.image.features];
    return {
      errorCode: 0,
      apiKeys: ranges,
      supportedFeatures: [...supportedFeatures]
        // Clients before version 4 cannot read a range that begins at 0 (KAFKA-17011).
        .filter(([, { minVersion }]) => minVersion > 0 || context.apiVersion >= 4)
        .map(([name, range]) => ({ name, ...range })),
      finalizedFeaturesEpoch: context.image.offset,
      finalizedFeatures: features.map(([name, level]) => ({
        name,
        maxVersionLevel: level,
        minVersionLevel: level,
      })),
    };
  });
}

function rangesOf(handlers: readonly Handler[]): ApiRange[] {
  return handlers
    .map(({ api }) => ({
      apiKey: api.key,
      minVersion: api.versions.min,
      maxVersion: api.versions.max,
    }))
    .sort((a, b) => a.apiKey - b.apiKey);
}

function assertSoftware(name: string, version: string): void {
  if (softwarePattern.test(name) && softwarePattern.test(version)) return;
  throw new KafkaError('INVALID_REQUEST', 'client software name or version is not a plain word');
}

/** A client that expected another broker here holds metadata that is no longer true (KIP-1242). */
function assertNode(
  expected: { readonly clusterId: string | null; readonly nodeId: number },
  context: RequestContext,
): void {
  const { clusterId, nodeId } = context.broker;
  const isExpected =
    (expected.clusterId === null || expected.clusterId === clusterId) &&
    (expected.nodeId < 0 || expected.nodeId === nodeId);
  if (!isExpected) throw new KafkaError('REBOOTSTRAP_REQUIRED');
}
