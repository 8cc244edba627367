// Key stores at an etcd, real or modelled, as the contract of key stores wants them: each behind
// a network of its own that the test cuts.

import type { Io } from '../../../src/io/index.ts';
import { EtcdStore, parseEtcdAddress } from '../../../src/metadata/engines/etcd/index.ts';
import type { KeyStore } from '../../../src/metadata/engines/keyed/key-store.ts';
import type { KeyStoreSystem } from '../../../src/metadata/engines/keyed/key-store-contract.ts';
import { FaultyNetwork } from './faulty-network.ts';

export const isEtcdChange = (bytes: Buffer): boolean =>
  bytes.toString('latin1', 0, 17) === 'POST /v3/kv/txn H';

export class EtcdSystem implements KeyStoreSystem {
  readonly io: Io;
  readonly #hosts: string;
  readonly #sessionTimeoutMs: number;
  readonly #networks = new Map<KeyStore, { network: FaultyNetwork; prefix: string }>();

  constructor(io: Io, hosts: string, sessionTimeoutMs = 3_000) {
    this.io = io;
    this.#hosts = hosts;
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  async open(prefix = '/partita'): Promise<KeyStore> {
    const network = new FaultyNetwork(this.io, isEtcdChange);
    const store = await EtcdStore.open(network.io, {
      address: parseEtcdAddress(`etcd://${this.#hosts}${prefix}`),
      sessionTimeoutMs: this.#sessionTimeoutMs,
    });
    this.#networks.set(store, { network, prefix });
    return store;
  }

  networkOf(store: KeyStore): FaultyNetwork {
    return this.#of(store).network;
  }

  #of(store: KeyStore): { network: FaultyNetwork; prefix: string } {
    const of = this.#networks.get(store);
    if (of === undefined) throw new Error('no store of this system');
    return of;
  }

  /** As `etcdctl lease revoke` does it, with the lease of a key that the store puts for that. */
  async endSession(store: KeyStore): Promise<void> {
    const key = 'whose-lease-is-this';
    const { sessionNumber: session } = store;
    await store.commit([{ key, was: null, becomes: Buffer.alloc(0), session }]);
    const whole = Buffer.from(`${this.#of(store).prefix}/${key}`).toString('base64');
    const { kvs } = (await this.ask('/v3/kv/range', { key: whole })) as {
      kvs: { lease: string }[];
    };
    await this.ask('/v3/lease/revoke', { ID: kvs[0]?.lease });
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

  /** A question past all stores, at the first member. */
  async ask(path: string, request: unknown): Promise<unknown> {
    const [host = '', port] = (this.#hosts.split(',')[0] as string).split(':');
    const connection = await this.io.network.connect({ host, port: Number(port) });
    const body = JSON.stringify(request);
    const length = `Content-Length: ${Buffer.byteLength(body)}`;
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${length}\r\n\r\n`;
    const chunks: Buffer[] = [];
    const text = await new Promise<string>((resolve, reject) => {
      connection.onData = (chunk) => chunks.push(Buffer.from(chunk));
      connection.onClose = (error) =>
        error === null ? resolve(Buffer.concat(chunks).toString()) : reject(error);
      connection.write([Buffer.from(head + body)]);
    });
    return JSON.parse(/\{.*\}/.exec(text)?.[0] ?? 'null');
  }
}
