// One ZooKeeper's answers to a stream of operations, written down so that two of them can be
// compared: ids of sessions by their number, and without what no two have alike (times).

import type { Io } from '../../../src/io/index.ts';
import type { JuteReader } from '../../../src/metadata/engines/zookeeper/jute.ts';
import {
  type Change,
  encodeChange,
  encodeMulti,
  encodePath,
  openAcl,
  passwordBytes,
  readAcl,
  readMultiAnswer,
  readStat,
} from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { ZooKeeperLink } from '../../../src/metadata/engines/zookeeper/zookeeper-link.ts';

export type Operation =
  | { readonly kind: 'change'; readonly client: number; readonly change: Change }
  | { readonly kind: 'multi'; readonly client: number; readonly changes: readonly Change[] }
  | {
      readonly kind: 'exists' | 'getData' | 'getChildren2';
      readonly client: number;
      readonly path: string;
      readonly isWatched: boolean;
    }
  | { readonly kind: 'sync' | 'getAcl'; readonly client: number; readonly path: string }
  | { readonly kind: 'session'; readonly client: number };

interface Client {
  readonly link: ZooKeeperLink;
  readonly events: string[];
}

export class ComparedServer {
  readonly #io: Io;
  readonly #port: number;
  readonly #clients: Client[] = [];
  /** In the order in which they began. */
  readonly #sessionIds: bigint[] = [];
  #firstZxid: bigint | null = null;

  private constructor(io: Io, port: number) {
    this.#io = io;
    this.#port = port;
  }

  static async open(io: Io, port: number, clients: number): Promise<ComparedServer> {
    const server = new ComparedServer(io, port);
    for (let at = 0; at < clients; at++) await server.#openClient(at);
    return server;
  }

  async #openClient(at: number): Promise<void> {
    const events: string[] = [];
    const to = { host: '127.0.0.1', port: this.#port, timeoutMs: 10_000 };
    const password = Buffer.alloc(passwordBytes);
    const hello = { lastZxid: 0n, timeoutMs: 10_000, sessionId: 0n, password };
    const { link, welcome } = await ZooKeeperLink.open(this.#io, to, hello, {
      onEvent: ({ type, path }) => events.push(`${type} ${path}`),
      onZxid: (zxid) => {
        this.#firstZxid ??= zxid;
      },
      onLost: () => {},
    });
    this.#sessionIds.push(welcome.sessionId);
    this.#clients[at] = { link, events };
  }

  /** The answer as one line. */
  async ask(operation: Operation): Promise<string> {
    const { link } = this.#clients[operation.client] as Client;
    if (operation.kind === 'session') {
      await link.call('closeSession', Buffer.alloc(0));
      link.lose('it has ended');
      await this.#openClient(operation.client);
      return 'another session';
    }
    if (operation.kind === 'change') {
      const { change } = operation;
      const { error, body } = await link.call(change.kind, encodeChange(change));
      return `${error} ${error === 0 ? this.#bodyOf(change.kind, body) : ''}`;
    }
    if (operation.kind === 'multi') {
      const { error, body } = await link.call('multi', encodeMulti(operation.changes));
      const result = body.remainingBytes > 0 ? readMultiAnswer(body) : 'nothing';
      return `${error} ${JSON.stringify(result)}`;
    }
    const { kind, path } = operation;
    const isWatched = 'isWatched' in operation ? operation.isWatched : undefined;
    const { error, body } = await link.call(kind, encodePath(path, isWatched));
    return `${error} ${error === 0 ? this.#bodyOf(kind, body) : ''}`;
  }

  /** What each client heard of its watches since the last time. */
  async events(): Promise<string[]> {
    const all: string[] = [];
    for (const { link, events } of this.#clients) {
      await link.call('exists', encodePath('/', false));
      // The nodes of a session that ends go in any order.
      all.push(events.splice(0).sort().join());
    }
    return all;
  }

  close(): void {
    for (const { link } of this.#clients) link.lose('it is over');
  }

  #bodyOf(kind: string, body: JuteReader): string {
    if (kind === 'create' || kind === 'sync') return body.text();
    if (kind === 'delete') return `${body.remainingBytes} bytes`;
    const value = kind === 'getData' ? (body.bytes()?.toString('hex') ?? 'null') : '';
    const acl = kind === 'getAcl' ? JSON.stringify(readAcl(body)) : '';
    const names = kind === 'getChildren2' ? body.vector((each) => each.text()).sort() : [];
    const { createdMs, modifiedMs, ...stat } = readStat(body);
    const isDated = createdMs > 0n && modifiedMs >= createdMs;
    const shown = {
      ...stat,
      createdZxid: Number(stat.createdZxid - (this.#firstZxid ?? 0n)),
      modifiedZxid: Number(stat.modifiedZxid - (this.#firstZxid ?? 0n)),
      childrenZxid: Number(stat.childrenZxid - (this.#firstZxid ?? 0n)),
      ephemeralOwner: this.#sessionIds.indexOf(stat.ephemeralOwner),
    };
    return `${value}${acl} [${names}] ${isDated} ${JSON.stringify(shown)}`;
  }
}

/** What the operations are drawn with. */
export interface Dice {
  int(bound: number): number;
}

/** Few names, so that operations meet. */
export function randomOperation(dice: Dice, clients: number, root: string): Operation {
  const client = dice.int(clients);
  const path = randomPath(dice, root);
  const what = dice.int(100);
  if (what < 45) {
    const change = randomChange(dice, path);
    // Alone it is no question that ZooKeeper can answer: it hangs up.
    if (change.kind === 'check') return { kind: 'multi', client, changes: [change] };
    return { kind: 'change', client, change };
  }
  if (what < 60) {
    const count = 1 + dice.int(4);
    const changes = Array.from({ length: count }, () => randomChange(dice, randomPath(dice, root)));
    return { kind: 'multi', client, changes };
  }
  const isWatched = dice.int(2) === 0;
  if (what < 72) return { kind: 'exists', client, path, isWatched };
  if (what < 84) return { kind: 'getData', client, path, isWatched };
  if (what < 96) return { kind: 'getChildren2', client, path, isWatched };
  if (what < 98) return { kind: 'sync', client, path };
  if (what < 99) return { kind: 'getAcl', client, path };
  return { kind: 'session', client };
}

function randomPath(dice: Dice, root: string): string {
  const depth = dice.int(20) === 0 ? 0 : 1 + dice.int(3);
  let path = root;
  for (let at = 0; at < depth; at++) path += `/${'abc'[dice.int(3)]}`;
  if (dice.int(60) === 0) return `${path}/`;
  if (dice.int(60) === 0) return `${path}//a`;
  return path;
}

function randomChange(dice: Dice, path: string): Change {
  const version = dice.int(3) === 0 ? -1 : dice.int(4);
  const value = dice.int(8) === 0 ? null : Buffer.alloc(dice.int(3), dice.int(256));
  const kind = dice.int(10);
  if (kind < 5) {
    return { kind: 'create', path, value, acl: openAcl, isEphemeral: dice.int(4) === 0 };
  }
  if (kind < 7) return { kind: 'setData', path, value, version };
  if (kind < 9) return { kind: 'delete', path, version };
  return dice.int(2) === 0
    ? { kind: 'check', path, version }
    : { kind: 'delete', path, version: -1 };
}
