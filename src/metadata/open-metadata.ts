// The metadata of a cluster over whatever store keeps them: the image that this process serves
// from, and the controller that this process may become.

import type { Uuid } from '../base/uuid.ts';
import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import type { ImageListener } from './changes.ts';
import type { ClusterStore, Subscription } from './cluster-store.ts';
import type { Controller } from './controller/api.ts';
import { configRules } from './controller/config-rules.ts';
import { MetadataController } from './controller/metadata-controller.ts';
import type { UserRecord } from './controller/take-over.ts';
import type { MetadataImage } from './image.ts';
import { ImageLoader } from './image-loader.ts';
import type { MetadataRecord } from './records/index.ts';

export interface MetadataOptions {
  /** It is closed with the metadata. */
  readonly store: ClusterStore;
  readonly history: MetadataHistory;
  readonly nodeId: number;
  readonly config: BrokerConfig;
  /** Default: brokers have none. See MetadataControllerOptions. */
  readonly sessionMs?: number;
  /** What a new cluster begins with (bootstrap-checkpoint.ts). Default: nothing. */
  readonly bootstrap?: readonly MetadataRecord[];
  /** Whom the cluster is to have, new or not, with these keys. Default: nobody. */
  readonly users?: readonly UserRecord[];
  /** The store gave up, or a bug was found: the process must not go on. */
  readonly onFailure: (error: Error) => void;
}

export interface Metadata {
  /** Of this process: it refuses what it is asked while another one controls. */
  readonly controller: Controller;
  readonly store: ClusterStore;
  readonly history: MetadataHistory;
  /** The newest committed image. */
  image(): MetadataImage;
  /** Calls the listener at once with everything as created, then after every change, in order. */
  subscribe(listener: ImageListener): Subscription;
  /** Resolves when the controller of this process is the one of the cluster, and decides. */
  becomeController(): Promise<void>;
  /** The controller of this process is elected as soon as no other one is. */
  standForController(): void;
  /**
   * While this process controls: the broker of this epoch was proven to be dead.
   * @throws KafkaError as the controller does
   */
  fenceDead(brokerId: number, brokerEpoch: number): Promise<void>;
  /** It stands no longer: another one may be elected. */
  stopControlling(): Promise<void>;
  /** Writes a snapshot now. */
  saveSnapshot(): Promise<void>;
  close(): Promise<void>;
}

/** What may be concluded from an image that lacks what another one had. */
export interface MetadataHistory {
  /** Images of one id follow from each other: another one begins when records may be lost. */
  readonly id: Uuid;
  /** Images up to the offset were applied and are not in it: what follows is another history. */
  beginAnew(applied: number): Promise<void>;
  /** The topics whose deletion is in the log as far as it reaches back. */
  deletedTopics(): Promise<ReadonlySet<Uuid>>;
}

/** Resolves when the image holds all that was committed. The store is left open when it fails. */
export async function openMetadata(io: Io, options: MetadataOptions): Promise<Metadata> {
  const { store, history, nodeId, config, sessionMs = 0, bootstrap = [] } = options;
  const { users = [], onFailure } = options;
  const loader = await ImageLoader.start(metadataIo(io), {
    store,
    bytesBetweenSnapshotsMax: config.get('metadata.log.max.record.bytes.between.snapshots'),
    onFailure,
    isOfSeveral: sessionMs > 0,
  });
  const rules = configRules(config);
  const parts = { nodeId, store, loader, rules, sessionMs, bootstrap, users, onBug: onFailure };
  const controller = new MetadataController(metadataIo(io), parts);
  return {
    controller,
    store,
    history,
    image: () => loader.image,
    subscribe: (listener) => loader.subscribe(listener),
    becomeController: () => controller.start(),
    standForController: () => controller.stand(),
    fenceDead: (brokerId, brokerEpoch) => controller.fenceDead(brokerId, brokerEpoch),
    stopControlling: () => controller.close(),
    saveSnapshot: () => controller.saveSnapshot(),
    close: async () => {
      await controller.close();
      await loader.close();
      await store.close();
    },
  };
}

export function metadataIo({ clock, network, disk, random, log }: Io): Io {
  return { clock, network, disk, random, log: log.child('metadata') };
}
