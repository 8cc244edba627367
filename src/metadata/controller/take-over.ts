// What a controller decides first in its term: the log may have been left by a process that died,
// or by Apache Kafka, whose metadata logs are continued as they are (docs/migrate.md).
//
// Invariant: afterwards the image promises nothing that this program does not keep: no feature
// that it does not serve, no transaction of the log that nobody will end.

import { pushAll } from '../../base/push-all.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { clusterSecret, clusterSecretRecord } from '../cluster-secret.ts';
import type { MetadataImage } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { firstFeatures, minInSyncOfAll, supportedFeatures } from './features.ts';

/** What a controller finds when it is elected, beside the image. */
export interface Found {
  /** The log ends within a transaction of its own (KIP-868). */
  readonly isInTransaction: boolean;
  /** What a new cluster begins with. */
  readonly bootstrap: readonly MetadataRecord[];
  /** Whom every cluster is to have that this process controls, new or not. */
  readonly users: readonly UserRecord[];
}

export type UserRecord = Extract<MetadataRecord, { type: 'UserScramCredentialRecord' }>;

/**
 * The response names the features that are switched off.
 * @throws KafkaError UNSUPPORTED_VERSION when the log is of a release that is not known here
 */
export function takeOver(
  machine: ControllerMachine,
  { isInTransaction, bootstrap, users }: Found,
): Decision<MetadataRecord, string[]> {
  const { image } = machine;
  const records: MetadataRecord[] = [];
  if (isInTransaction) records.push({ type: 'AbortTransactionRecord', reason: 'its writer died' });
  const first = firstFeatures(image);
  pushAll(records, first);
  if (first.length > 0) {
    pushAll(records, minInSyncOfAll(machine));
    pushAll(records, bootstrap);
  }
  for (const user of users) if (!hasUser(image, user)) records.push(user);
  if (machine.context.rules.needsSecret && clusterSecret(image) === null) {
    records.push(clusterSecretRecord(machine.context.random));
  }
  const lowered = [...loweredFeatures(image)];
  pushAll(records, lowered);
  return { records, response: lowered.map(({ name }) => name) };
}

function hasUser({ scram }: MetadataImage, user: UserRecord): boolean {
  const known = scram.get(`${user.mechanism}/${user.name}`);
  return (
    known !== undefined &&
    known.iterations === user.iterations &&
    known.salt.equals(user.salt) &&
    known.storedKey.equals(user.storedKey) &&
    known.serverKey.equals(user.serverKey)
  );
}

function* loweredFeatures(
  image: MetadataImage,
): Generator<Extract<MetadataRecord, { type: 'FeatureLevelRecord' }>, void, undefined> {
  for (const [name, level] of image.features) {
    const levelMax = supportedFeatures.get(name)?.maxVersion ?? 0;
    if (level <= levelMax) continue;
    if (name === 'metadata.version') {
      throw new KafkaError(
        'UNSUPPORTED_VERSION',
        `the metadata log is of metadata.version ${level}; up to ${levelMax} are known here`,
      );
    }
    yield { type: 'FeatureLevelRecord', name, featureLevel: levelMax };
  }
}
