// Key stores at a ZooKeeper, real or modelled, as the contract of key stores wants them: each
// behind a network of its own that the test cuts.

import type { Connection, Io, Network } from '../../../src/io/index.ts';
import type { KeyStore } from '../../../src/metadata/engines/keyed/key-store.ts';
import type { KeyStoreSystem } from '../../../src/metadata/engines/keyed/key-store-contract.ts';
import { ZooKeeperStore } from '../../../src/metadata/engines/zookeeper/index.ts';
import { JuteWriter } from '../../../src/metadata/engines/zookeeper/jute.ts';
import {
  type ConnectAnswer,
  decodeConnectAnswer,
  encodeConnect,
  opCode,
} from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { FrameReader } from '../../../src/network/index.ts';
import { FaultyNetwork } from './faulty-network.ts';

export const isZooKeeperChange = (bytes: Buffer): boolean =>
  bytes.length > 12 && bytes.readInt32BE(8) === opCode.multi;

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Opened {
  readonly network: FaultyNetwork;
  readonly overheard: Overheard;
}

export class ZooKeeperSystem implements KeyStoreSystem {
  readonly io: Io;
  readonly #hosts: readonly Address[];
  readonly #root: string;
  readonly #stores = new Map<KeyStore, Opened>();

  /** @param root the chroot below which all is that is stored */
  constructor(io: Io, hosts: readonly Address[], root = '') {
    this.io = io;
    this.#hosts = hosts;
    this.#root = root;
  }

  async open(prefix = '/partita'): Promise<ZooKeeperStore> {
    return await this.#open(this.#hosts, prefix);
  }

  /** A store that knows one member only. */
  async openAt(index: number): Promise<ZooKeeperStore> {
    return await this.#open([this.#hosts[index] as Address], '/partita');
  }

  async #open(hosts: readonly Address[], prefix: string): Promise<ZooKeeperStore> {
    const overheard = new Overheard(this.io.network);
    const { clock, disk, random, log } = this.io;
    const network = new FaultyNetwork(
      { clock, disk, random, log, network: overheard },
      isZooKeeperChange,
    );
    const store = await ZooKeeperStore.open(network.io, {
      hosts,
      chroot: `${this.#root}${prefix}`,
      sessionTimeoutMs: 1_000,
      connectTimeoutMs: 20_000,
    });
    this.#stores.set(store, { network, overheard });
    return store;
  }

  networkOf(store: KeyStore): FaultyNetwork {
    return this.#of(store).network;
  }

  /** Another connection takes the session and closes it, as whoever knows its password may. */
  async endSession(store: KeyStore): Promise<void> {
    const welcome = this.#of(store).overheard.welcome as ConnectAnswer;
    const connection = await this.io.network.connect(this.#hosts[0] as Address);
    const hello = { ...welcome, lastZxid: 0n };
    const goodbye = new JuteWriter().int(1).int(opCode.closeSession).finishFrame();
    await new Promise<void>((resolve) => {
      connection.onClose = () => resolve();
      connection.write([encodeConnect(hello), goodbye]);
    });
  }

  lose(store: KeyStore, what: 'request' | 'answer'): void {
    this.networkOf(store).loss = what;
  }

  cut(store: KeyStore): void {
    this.networkOf(store).cut();
  }

  heal(store: KeyStore): void {
    this.networkOf(store).heal();
  }

  #of(store: KeyStore): Opened {
    const of = this.#stores.get(store);
    if (of === undefined) throw new Error('no store of this system');
    return of;
  }
}

/** A network on which it is heard what each server says first: of which session it is. */
class Overheard implements Network {
  readonly #network: Network;
  welcome: ConnectAnswer | null = null;

  constructor(network: Network) {
    this.#network = network;
  }

  listen(...args: Parameters<Network['listen']>): ReturnType<Network['listen']> {
    return this.#network.listen(...args);
  }

  http(...args: Parameters<Network['http']>): ReturnType<Network['http']> {
    return this.#network.http(...args);
  }

  hostName(): Promise<string> {
    return this.#network.hostName();
  }

  async connect(...args: Parameters<Network['connect']>): Promise<Connection> {
    const connection = await this.#network.connect(...args);
    const reader = new FrameReader();
    let isFirst = true;
    return new Proxy(connection, {
      get: (target, name) => {
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
      set: (target, name, value) => {
        if (name !== 'onData') return Reflect.set(target, name, value);
        target.onData = (chunk) => {
          if (isFirst) reader.feed(Buffer.from(chunk));
          const frame = isFirst ? reader.next() : null;
          if (frame !== null) {
            this.welcome = decodeConnectAnswer(frame);
            isFirst = false;
          }
          value(chunk);
        };
        return true;
      },
    });
  }
}
