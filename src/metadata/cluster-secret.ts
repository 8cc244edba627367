// A secret of the cluster: random, made by its first controller that needs one, and known to
// whoever reads the metadata, which is its brokers. What is told of users that there are not is
// made from it.
//
// Invariant: no request can name it. It is kept as a configuration of a resource of no type. Apache
// Kafka looks at none, and leaves them out when it writes the metadata down: another one is made
// when the directory comes back.

import type { Random } from '../io/index.ts';
import type { MetadataImage } from './image.ts';
import type { MetadataRecord } from './records/index.ts';

const place = { resourceType: 0, resourceName: 'partita', name: 'cluster.secret' } as const;
const secretBytes = 32;

/** null: there is none yet. */
export function clusterSecret(image: MetadataImage): string | null {
  return image.configOf(place.resourceType, place.resourceName).get(place.name) ?? null;
}

export function clusterSecretRecord(random: Random): MetadataRecord {
  const value = Buffer.from(random.bytes(secretBytes)).toString('base64');
  return { type: 'ConfigRecord', ...place, value };
}
