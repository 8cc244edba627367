// A broker on its own that is stopped: its log directories, held for as long as they are used.
//
// Invariant: nobody starts a broker in one of them meanwhile.

import type { BrokerConfig } from '../../config/index.ts';
import type { DiskLock, Io } from '../../io/index.ts';
import { readStoppedMetadata, type WholeMetadata } from '../../metadata/moving/index.ts';
import { lockDirectory, type MetaProperties, readMetaProperties } from '../../storage/index.ts';
import { UsageError } from '../command-line.ts';

export class StoppedBroker {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly logDirs: readonly string[];
  /** Of the log directories the one with the metadata. */
  readonly metadataDir: string;
  readonly #io: Io;

  private constructor(io: Io, config: BrokerConfig, meta: MetaProperties) {
    this.#io = io;
    this.nodeId = meta.nodeId;
    this.clusterId = meta.clusterId;
    this.logDirs = config.logDirs;
    this.metadataDir = metadataDirOf(config);
  }

  /** @throws UsageError, LogDirectoryError, one line; then nothing was done */
  static async with<T>(
    io: Io,
    config: BrokerConfig,
    use: (broker: StoppedBroker) => Promise<T>,
  ): Promise<T> {
    const locks: DiskLock[] = [];
    try {
      let meta: MetaProperties | null = null;
      for (const path of config.logDirs) {
        const found = io.disk.stat(path) === null ? null : readMetaProperties(io, path);
        if (found === null) {
          const remedy = 'name the configuration with which the broker was started';
          throw new UsageError(`${path} is no log directory of a broker: ${remedy}`);
        }
        locks.push(lockDirectory(io, path));
        const { clusterId, nodeId = config.nodeId, directoryId = '' } = found;
        if (clusterId === undefined) throw new UsageError(`${path} does not say its cluster`);
        meta ??= { clusterId, nodeId, directoryId };
      }
      return await use(new StoppedBroker(io, config, meta as MetaProperties));
    } finally {
      for (const lock of locks) lock.release();
    }
  }

  readMetadata(): Promise<WholeMetadata> {
    return readStoppedMetadata(this.#io, this.metadataDir, this.clusterId);
  }
}

function metadataDirOf(config: BrokerConfig): string {
  return config.get('metadata.log.dir') ?? (config.logDirs[0] as string);
}
