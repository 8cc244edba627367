// What a client may share with others of the same cluster (connect.ts).

import type { BrokerConnections } from './broker-connections.ts';
import type { MetadataCache } from './metadata-cache.ts';
import type { NetworkMeter } from './metrics/index.ts';

export interface SharedParts {
  readonly cache: MetadataCache;
  /** Absent: the client has connections of its own. Whoever made them closes them. */
  readonly connections?: BrokerConnections;
  /** What goes over them, whichever client sends it. */
  readonly meter?: NetworkMeter;
}
