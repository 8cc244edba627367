// meta.properties: to which cluster and broker a log directory belongs (version 1, as KRaft
// brokers write it). A directory of another cluster or broker must never be written to.

import { isUuid, type Uuid } from '../../base/uuid.ts';

export const META_PROPERTIES = 'meta.properties';

export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: Uuid;
}

/** What a file says; null if it is not a meta.properties of version 0 or 1. */
export function parseMetaProperties(text: string): Partial<MetaProperties> | null {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([^#!=:\s]+)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (match !== null) values.set(match[1] as string, match[2] as string);
  }
  const version = values.get('version');
  if (version !== '0' && version !== '1') return null;
  const nodeId = Number(values.get('node.id') ?? values.get('broker.id') ?? Number.NaN);
  const clusterId = values.get('cluster.id');
  const directoryId = values.get('directory.id');
  return {
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(Number.isInteger(nodeId) ? { nodeId } : {}),
    ...(directoryId !== undefined && isUuid(directoryId) ? { directoryId } : {}),
  };
}

export function metaPropertiesBytes(meta: MetaProperties): Buffer {
  const { clusterId, nodeId, directoryId } = meta;
  return Buffer.from(
    `#\ncluster.id=${clusterId}\ndirectory.id=${directoryId}\nnode.id=${nodeId}\nversion=1\n`,
  );
}
