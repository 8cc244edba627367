// The cluster as this broker knows it: its metadata, what they change of the configuration, and the
// way to the brokers in it. A broker on its own has the metadata in a log directory, and whoever
// controls, leads and coordinates is this broker. A member of a cluster has them in a store that
// the brokers share: any of them may control, and the image says which one does.

import { type Uuid, uuidFromBytes } from '../base/uuid.ts';
import type { BrokerConfig } from '../config/index.ts';
import { type Clock, type Io, IoError } from '../io/index.ts';
import {
  assertKnownStore,
  type ClusterStore,
  type Controller,
  historyOfStore,
  type ImageChanges,
  type Metadata,
  type MetadataImage,
  type MetadataRecord,
  openLocalMetadata,
  openMetadata,
  readBootstrap,
  type UserRecord,
} from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { aclHost } from '../security/acl/index.ts';
import type { LogResources } from '../storage/index.ts';
import { endsWithin } from './bounded-wait.ts';
import type { Client } from './client.ts';
import { DynamicConfig } from './dynamic-config.ts';
import type { LogDirectories } from './log-directories.ts';
import type { BrokerConnectionsOptions } from './requests/broker-connections.ts';
import {
  administratorMsMax,
  BrokerRequests,
  forwardedController,
  ImageWhereabouts,
} from './requests/index.ts';
import type { Peers } from './requests/peers.ts';

/** What a stop waits for a shared store. */
const storeMsMax = 1_000;

export interface ClusterOptions {
  readonly directories: LogDirectories;
  readonly resources: LogResources;
  /** null for a broker on its own. */
  readonly member: MemberOptions | null;
  /** The operator said so: go on without the metadata that cannot be read. */
  readonly mayLose: boolean;
  /** See BrokerOptions. */
  readonly users: readonly UserRecord[];
  /** The configuration in force is another one. */
  readonly onConfig: (config: BrokerConfig) => void;
  readonly onFatal: (error: Error) => void;
}

export interface MemberOptions {
  /** Shared by the brokers of the cluster; closed with it. */
  readonly store: ClusterStore;
  readonly newPeers: (options: BrokerConnectionsOptions) => Peers;
}

/** What a broker has that is not on its own. */
export interface Membership {
  readonly store: ClusterStore;
  /** Of this life of the broker. */
  readonly incarnationId: Uuid;
  readonly peers: Peers;
}

export class Cluster {
  readonly metadata: Metadata;
  readonly requests: BrokerRequests;
  /** Wherever it is, for this broker. */
  readonly controller: Controller;
  /** For administrators. */
  readonly administrated: Controller;
  /** The same on behalf of a client, whose rights the controller's broker looks at again. */
  readonly controllerFor: (client: Pick<Client, 'principal' | 'connection'>) => Controller;
  /** null for a broker on its own. */
  readonly membership: Membership | null;
  readonly #clock: Clock;
  readonly #dynamic: DynamicConfig;

  private constructor(
    io: Io,
    config: BrokerConfig,
    options: Pick<ClusterOptions, 'onConfig'> & Pick<Cluster, 'metadata' | 'membership'>,
  ) {
    const { nodeId } = config;
    const { metadata, membership } = options;
    this.#clock = io.clock;
    this.metadata = metadata;
    this.membership = membership;
    this.#dynamic = new DynamicConfig(io, config, options.onConfig);
    this.#dynamic.adopt(metadata.image());
    const image = (): MetadataImage => metadata.image();
    const controllerId = (): number => this.controllerId;
    const isMember = membership !== null;
    this.requests = new BrokerRequests(io, {
      nodeId,
      whereabouts: new ImageWhereabouts({ nodeId, image, controllerId, isMember }),
      peer: (other) => {
        if (membership !== null) return membership.peers.of(other);
        const why = `broker ${other} is of a cluster, and this broker is one of its own`;
        throw new KafkaError('BROKER_NOT_AVAILABLE', why);
      },
      timeoutMs: () => this.config.get('request.timeout.ms'),
    });
    const { controller } = metadata;
    this.controller = forwardedController(this.requests, controller);
    const waiting = { administratorMsMax };
    this.administrated = forwardedController(this.requests, controller, waiting);
    this.controllerFor = ({ principal, connection }) => {
      const askedFor = { principal, host: aclHost(connection.remoteHost) };
      return forwardedController(this.requests, controller, { ...waiting, askedFor });
    };
  }

  /**
   * @throws KafkaError KAFKA_STORAGE_ERROR if the metadata cannot be read; LogDirectoryError if the
   * log directories are not those that they know
   */
  static async open(io: Io, config: BrokerConfig, options: ClusterOptions): Promise<Cluster> {
    const { member, directories, onConfig } = options;
    const metadata = await openMetadataOf(io, config, options);
    try {
      await directories.compareWith(metadata);
      const membership = member && membershipOf(io, config, { member, metadata });
      return new Cluster(io, config, { metadata, membership, onConfig });
    } catch (error) {
      await metadata.close();
      throw error;
    }
  }

  /** -1 while nobody is known. */
  get controllerId(): number {
    return this.membership === null ? this.config.nodeId : this.metadata.image().controllerId;
  }

  /** The configuration in force. */
  get config(): BrokerConfig {
    return this.#dynamic.current;
  }

  /** To be told before anybody who acts on the configuration. */
  onImage(image: MetadataImage, changes: ImageChanges): void {
    this.#dynamic.onImage(image, changes);
    if (this.membership !== null) this.requests.onRolesChanged();
  }

  /** Another broker may control from now on; one on its own controls until it is closed. */
  async resign(): Promise<void> {
    if (this.membership === null) return;
    await endsWithin(this.#clock, storeMsMax, this.metadata.stopControlling());
  }

  async close(): Promise<void> {
    this.requests.close();
    this.membership?.peers.close();
    const closed = this.metadata.close();
    // What is held in a store that does not answer goes with its session.
    if (this.membership === null) await closed;
    else await endsWithin(this.#clock, storeMsMax, closed);
  }
}

async function openMetadataOf(
  io: Io,
  config: BrokerConfig,
  { directories, resources, member, mayLose, users, onFatal }: ClusterOptions,
): Promise<Metadata> {
  const { nodeId } = config;
  if (member !== null) {
    const { store } = member;
    const bootstrap = bootstrapOfMember(io, directories.metadataPath);
    await assertKnownStore(store, directories.knownMetadata);
    const history = historyOfStore(store);
    const sessionMs = config.get('broker.session.timeout.ms');
    const parts = { store, history, nodeId, config, sessionMs, bootstrap, users };
    return openMetadata(io, { ...parts, onFailure: onFatal });
  }
  return openLocalMetadata(io, {
    directory: directories.metadataPath,
    clusterId: directories.clusterId,
    ...{ nodeId, resources, config, mayLose, users },
    bootstrap: readBootstrap(io.disk, directories.metadataPath),
    wasCleanShutdown: directories.wasMetadataClosedCleanly,
    evidence: directories.evidenceOfUse,
    onFailure: onFatal,
  });
}

/** The metadata are in the store: a member starts without the disk of its first directory, too. */
function bootstrapOfMember(io: Io, directory: string): readonly MetadataRecord[] {
  try {
    return readBootstrap(io.disk, directory);
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    io.log.warn(`goes on without what a new cluster is to begin with: ${error.message}`);
    return [];
  }
}

function membershipOf(
  io: Io,
  config: BrokerConfig,
  { member, metadata }: { readonly member: MemberOptions; readonly metadata: Metadata },
): Membership {
  const { store } = member;
  const peers = member.newPeers({
    nodeId: config.nodeId,
    clusterId: store.clusterId,
    listenerName: config.interBrokerListenerName,
    image: () => metadata.image(),
    requestTimeoutMs: () => config.get('request.timeout.ms'),
    setupTimeoutMs: () => ({
      first: config.get('socket.connection.setup.timeout.ms'),
      max: config.get('socket.connection.setup.timeout.max.ms'),
    }),
  });
  return { store, incarnationId: uuidFromBytes(io.random.bytes(16), 0), peers };
}
