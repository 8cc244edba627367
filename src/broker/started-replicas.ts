// The replicas of a broker from its start on: opened as the metadata say, kept in step with them,
// and looked after by the clock.

import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { LogCleaner, Replicas, type ReplicasOptions, Upkeep } from '../replication/index.ts';
import type { Authorizer } from '../security/acl/index.ts';
import { followAcls } from './authorization.ts';
import type { Cluster } from './cluster.ts';
import { cleanerSettingsOf, logConfigOf, upkeepTimesOf } from './log-config.ts';
import type { LogDirectories } from './log-directories.ts';
import type { Quotas } from './quotas/index.ts';

interface Start {
  readonly io: Io;
  readonly config: BrokerConfig;
  readonly options: { readonly onFatal: (error: Error) => void };
  readonly quotas: Quotas;
}

interface FollowedParts extends ReplicaParts {
  readonly authorizer: Authorizer | null;
}

interface ReplicaParts {
  readonly directories: LogDirectories;
  readonly cluster: Cluster;
  readonly replicas: Replicas;
}

export interface UpkeepParts {
  readonly upkeep: Upkeep;
  readonly cleaner: LogCleaner | null;
}

export function openReplicas(
  { io, config, options }: Start,
  parts: Omit<ReplicaParts, 'replicas'> & Pick<ReplicasOptions, 'onMade' | 'onRoleChanged'>,
): Promise<Replicas> {
  const { directories, cluster, ...listening } = parts;
  const { known, offlinePaths } = directories;
  const { metadata } = cluster;
  return Replicas.open(
    io,
    {
      nodeId: config.nodeId,
      directories: directories.opened,
      offlinePaths,
      offlineDirectories: known.offline(offlinePaths),
      history: metadata.history,
      incarnationId: cluster.membership?.incarnationId ?? null,
      beforeMissingAreMade: (partitions) => known.beforeMissingAreMade(partitions),
      moveBytesPerSecondMax: () => {
        return cluster.config.get('replica.alter.log.dirs.io.max.bytes.per.second');
      },
      logConfigOf: (overrides) => logConfigOf(cluster.config, overrides),
      ...listening,
      onFatal: options.onFatal,
    },
    metadata.image(),
  );
}

/** From here on replicas are what the images say, in directories that are watched. */
export async function followMetadata(
  { quotas }: Start,
  { directories, cluster, replicas, authorizer }: FollowedParts,
): Promise<void> {
  directories.handOver((directory, error) => replicas.onDirectoryFailure(directory, error));
  await replicas.renewNotes();
  cluster.metadata.subscribe((image, changes) => {
    cluster.onImage(image, changes);
    if (changes.quotasChanged) quotas.configure(image.quotas.values());
    if (authorizer !== null) followAcls(authorizer, image, changes);
    replicas.onImage(image, changes);
  });
  directories.watch();
}

export function startUpkeep(
  { io, options }: Start,
  { directories, cluster, replicas }: ReplicaParts,
): UpkeepParts {
  const onBug = options.onFatal;
  const times = upkeepTimesOf(cluster.config);
  const upkeep = new Upkeep(io, replicas, { directories: directories.opened, ...times, onBug });
  const settings = () => cleanerSettingsOf(cluster.config);
  const isOn = cluster.config.get('log.cleaner.enable');
  const cleaner = isOn ? new LogCleaner(io, replicas, { settings, onBug }) : null;
  upkeep.start();
  cleaner?.start();
  return { upkeep, cleaner };
}
