// Which requests a broker serves, as Kafka's tools print it: those that clients send.

import type { BrokerApis } from '../client/index.ts';
import { allApis } from '../protocol/index.ts';

/** What brokers and controllers say to each other is left out. */
const clusterApis: ReadonlySet<string> = new Set([
  'AllocateProducerIds',
  'AlterPartition',
  'BrokerHeartbeat',
  'BrokerRegistration',
  'ControlledShutdown',
  'Envelope',
  'UnregisterController',
]);

export function describeApiVersions(brokers: readonly BrokerApis[]): string {
  return brokers.map(describeBroker).join('');
}

function describeBroker({ host, port, nodeId, rack, apis }: BrokerApis): string {
  const served = new Map(apis.map((range) => [range.apiKey, range]));
  const lines: [key: number, text: string][] = [];
  for (const api of allApis) {
    const range = served.get(api.key);
    served.delete(api.key);
    if (clusterApis.has(api.name)) continue;
    const name = `${api.name}(${api.key})`;
    if (range === undefined) {
      lines.push([api.key, `${name}: UNSUPPORTED`]);
      continue;
    }
    const usable = Math.min(range.maxVersion, api.versions.max);
    const isUsable = usable >= Math.max(range.minVersion, api.versions.min);
    const note = isUsable ? `usable: ${usable}` : 'unusable: node too new';
    lines.push([api.key, `${name}: ${rangeText(range)} [${note}]`]);
  }
  for (const range of served.values()) {
    lines.push([range.apiKey, `UNKNOWN(${range.apiKey}): ${rangeText(range)} [unusable]`]);
  }
  const body = lines.sort(([a], [b]) => a - b).map(([, text]) => `\t${text}`);
  const address = `${host}:${port} (id: ${nodeId} rack: ${rack} isFenced: false)`;
  return `${address} -> (\n${body.join(',\n')}\n)\n`;
}

function rangeText({ minVersion, maxVersion }: BrokerApis['apis'][number]): string {
  return minVersion === maxVersion ? `${minVersion}` : `${minVersion} to ${maxVersion}`;
}
