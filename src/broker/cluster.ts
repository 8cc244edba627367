// The cluster as this broker knows it: its metadata, what they change of the configuration, and the
// way to the brokers in it. Today it is a cluster of one: the metadata are in a log directory, and
// whoever controls, leads and coordinates is this broker.

import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import {
  type Controller,
  type ImageChanges,
  type Metadata,
  type MetadataImage,
  openLocalMetadata,
} from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { LogResources } from '../storage/index.ts';
import { DynamicConfig } from './dynamic-config.ts';
import type { LogDirectories } from './log-directories.ts';
import { BrokerRequests, forwardedController, ImageWhereabouts } from './requests/index.ts';

export interface ClusterOptions {
  readonly directories: LogDirectories;
  readonly resources: LogResources;
  /** The operator said so: go on without the metadata that cannot be read. */
  readonly mayLose: boolean;
  /** The configuration in force is another one. */
  readonly onConfig: (config: BrokerConfig) => void;
  readonly onFatal: (error: Error) => void;
}

export class Cluster {
  readonly metadata: Metadata;
  readonly requests: BrokerRequests;
  /** Wherever it is. */
  readonly controller: Controller;
  readonly #dynamic: DynamicConfig;

  private constructor(
    io: Io,
    config: BrokerConfig,
    { metadata, onConfig }: Pick<ClusterOptions, 'onConfig'> & { readonly metadata: Metadata },
  ) {
    const { nodeId } = config;
    this.metadata = metadata;
    this.#dynamic = new DynamicConfig(io, config, onConfig);
    this.#dynamic.adopt(metadata.image());
    const image = (): MetadataImage => metadata.image();
    this.requests = new BrokerRequests(io, {
      nodeId,
      whereabouts: new ImageWhereabouts({ nodeId, image, controllerId: () => nodeId }),
      peer: (other) => {
        const why = `broker ${other} is of a cluster, and this broker is one of its own`;
        throw new KafkaError('BROKER_NOT_AVAILABLE', why);
      },
      timeoutMs: () => this.config.get('request.timeout.ms'),
    });
    this.controller = forwardedController(this.requests, metadata.controller);
  }

  /**
   * @throws KafkaError KAFKA_STORAGE_ERROR if the metadata cannot be read; LogDirectoryError if the
   * log directories are not those that they know
   */
  static async open(io: Io, config: BrokerConfig, options: ClusterOptions): Promise<Cluster> {
    const { directories, resources, mayLose, onFatal } = options;
    const metadata = await openLocalMetadata(io, {
      directory: directories.metadataPath,
      clusterId: directories.clusterId,
      nodeId: config.nodeId,
      resources,
      config,
      wasCleanShutdown: directories.wasMetadataClosedCleanly,
      evidence: directories.evidenceOfUse,
      mayLose,
      onFailure: onFatal,
    });
    try {
      await directories.compareWith(metadata);
      return new Cluster(io, config, { metadata, onConfig: options.onConfig });
    } catch (error) {
      await metadata.close();
      throw error;
    }
  }

  /** The configuration in force. */
  get config(): BrokerConfig {
    return this.#dynamic.current;
  }

  /** To be told before anybody who acts on the configuration. */
  onImage(image: MetadataImage, changes: ImageChanges): void {
    this.#dynamic.onImage(image, changes);
  }

  async close(): Promise<void> {
    await this.metadata.close();
  }
}
