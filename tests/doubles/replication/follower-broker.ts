// A broker as far as it follows the metadata: its log directories on a simulated disk, and the
// replicas in them.

import { type Io, IoError } from '../../../src/io/index.ts';
import { MetadataImage } from '../../../src/metadata/index.ts';
import { Replicas, type ReplicasOptions } from '../../../src/replication/index.ts';
import { defaultLogConfig, LogDirectory, LogResources } from '../../../src/storage/index.ts';
import type { Published } from './topic-history.ts';

export const nodeId = 1;

export class FollowerBroker {
  readonly directories: readonly LogDirectory[];
  readonly replicas: Replicas;
  readonly failures: Error[];
  /** The partitions that were there later than their image. */
  readonly made: string[];

  private constructor(
    parts: Pick<FollowerBroker, 'directories' | 'replicas' | 'failures' | 'made'>,
  ) {
    this.directories = parts.directories;
    this.replicas = parts.replicas;
    this.failures = parts.failures;
    this.made = parts.made;
  }

  static async open(
    io: Io,
    paths: readonly string[],
    options: Partial<ReplicasOptions> = {},
    image: MetadataImage = MetadataImage.empty('cluster'),
  ): Promise<FollowerBroker> {
    const resources = new LogResources(io);
    const failures: Error[] = [];
    const made: string[] = [];
    let replicas: Replicas | null = null;
    const directories: LogDirectory[] = [];
    for (const path of paths) {
      const owner = { path, nodeId, clusterId: directories[0]?.meta.clusterId ?? null };
      const directory = await LogDirectory.open(io, {
        ...owner,
        clusterIdAt: null,
        resources,
        onFailure: (failed, error) => replicas?.onDirectoryFailure(failed, error),
      });
      directories.push(directory);
    }
    const all: ReplicasOptions = {
      nodeId,
      directories,
      logConfigOf: () => ({ ...defaultLogConfig, fileDeleteDelayMs: 1000 }),
      onMade: ({ topic, partition }) => made.push(`${topic}-${partition}`),
      onFatal: (error) => failures.push(error),
      ...options,
    };
    replicas = await Replicas.open(io, all, image);
    return new FollowerBroker({ directories, replicas, failures, made });
  }

  follow({ image, changes }: Published): void {
    this.replicas.onImage(image, changes);
  }

  /** The path of the directory that the partition is in. */
  placeOf(topic: string, index: number): string | undefined {
    const partition = this.replicas.get(topic, index);
    return partition && this.replicas.directoryOf(partition)?.path;
  }

  fail(path: string): void {
    const directory = this.directories.find((each) => each.path === path);
    directory?.health.fail(new IoError('EIO', `${path} does not answer`));
  }

  async close(): Promise<void> {
    await this.replicas.close();
    for (const directory of this.directories) await directory.close();
  }
}
