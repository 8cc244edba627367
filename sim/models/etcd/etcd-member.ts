// A member of a small etcd: answers over HTTP as etcd's JSON gateway does, on the network of any
// Io, for the simulator and for being compared with the real one.
//
// Invariants: a member that has no leader changes and reads nothing; one that lags is late with
// everything, and what it answers is the newest all the same.

import type { Io, Listener, Timer } from '../../../src/io/io.ts';
import type { EnsembleMember, EtcdEnsemble } from './etcd-ensemble.ts';
import { EtcdRefusal, type Json, type StoredEvent } from './etcd-key-space.ts';
import { answerTo } from './etcd-requests.ts';
import { type HttpReply, serveHttp } from './http-server.ts';
import { WatchStream } from './watch-stream.ts';

/** How often etcd looks for leases that are over. */
const expiryMs = 500;
/** So long it takes until another one leads. */
const electionMs = 1_000;

export class EtcdMember implements EnsembleMember {
  readonly io: Io;
  readonly ensemble: EtcdEnsemble;
  readonly id: number;
  /** With the other members. */
  isConnected = true;
  /** Everything is as late here. */
  lagMs = 0;
  readonly tokens = new Set<string>();
  readonly #streams = new Set<WatchStream>();
  #listener: Listener | null = null;
  #expiry: Timer | null = null;

  constructor(io: Io, ensemble: EtcdEnsemble) {
    this.io = io;
    this.ensemble = ensemble;
    this.id = ensemble.members.push(this);
  }

  async listen(host: string, port: number): Promise<number> {
    this.ensemble.settleLeader();
    this.#listener = await serveHttp(this.io, host, port, ({ path, headers, body }, reply) => {
      const answer = (): void => this.#answer(path, headers, body, reply);
      if (this.lagMs > 0) this.io.clock.after(this.lagMs, answer);
      else answer();
    });
    this.#expire();
    return this.#listener.port;
  }

  get hasLeader(): boolean {
    return this.isConnected && this.ensemble.leader !== null;
  }

  /** Cuts it off from the other members, or not any more; its clients still reach it. */
  connect(isConnected: boolean): void {
    this.isConnected = isConnected;
    this.io.clock.after(electionMs, () => {
      this.ensemble.settleLeader();
      for (const member of this.ensemble.members) (member as EtcdMember).#endLeaderless();
    });
  }

  #endLeaderless(): void {
    if (this.hasLeader) return;
    for (const stream of [...this.#streams]) stream.end('etcdserver: no leader');
  }

  #answer(
    path: string,
    headers: ReadonlyMap<string, string>,
    body: string,
    reply: HttpReply,
  ): void {
    try {
      const requests = parseAll(body);
      if (path !== '/v3/auth/authenticate') this.#authorize(headers.get('authorization'));
      const needsLeader = headers.get('grpc-metadata-hasleader') === 'true';
      if (!this.hasLeader) {
        if (needsLeader) throw new EtcdRefusal(14, 'etcdserver: no leader');
        throw new EtcdRefusal(14, 'etcdserver: request timed out');
      }
      if (path === '/v3/watch') this.#watch(requests, reply);
      else if (path === '/v3/lease/keepalive') {
        const result = this.ensemble.data.keepAlive(requests[0] ?? {}, this.ensemble.leaseNowMs);
        reply.part({ result: { header: this.header(), ...result } });
        reply.end();
      } else {
        const answer = answerTo(this, path, requests[0] ?? {});
        reply.whole(200, { header: this.header(), ...answer });
      }
    } catch (error) {
      if (!(error instanceof EtcdRefusal)) throw error;
      const { code, message } = error;
      reply.whole(statuses[code] ?? 500, { error: message, message, code });
    }
  }

  #authorize(token: string | undefined): void {
    if (this.ensemble.options.user === undefined) return;
    if (token === undefined) throw new EtcdRefusal(3, 'etcdserver: user name is empty');
    if (!this.tokens.has(token)) throw new EtcdRefusal(16, 'etcdserver: invalid auth token');
  }

  #watch(requests: readonly Json[], reply: HttpReply): void {
    const stream = new WatchStream(this, reply, () => this.#streams.delete(stream));
    this.#streams.add(stream);
    for (const { create_request } of requests) stream.create((create_request ?? {}) as Json);
  }

  onEvents(events: readonly StoredEvent[]): void {
    const tell = (): void => {
      for (const stream of this.#streams) stream.onEvents(events);
    };
    if (this.lagMs > 0) this.io.clock.after(this.lagMs, tell);
    else tell();
  }

  #expire(): void {
    this.#expiry = this.io.clock.after(expiryMs, () => {
      const { ensemble, io } = this;
      if (ensemble.leader === this) ensemble.data.expireLeases(io.clock.monotonic());
      this.#expire();
    });
  }

  header(): Json {
    const { revision } = this.ensemble.data;
    return { cluster_id: '1', member_id: `${this.id}`, revision: `${revision}`, raft_term: '2' };
  }

  async close(): Promise<void> {
    this.#expiry?.cancel();
    for (const stream of [...this.#streams]) stream.end('etcdserver: server stopped');
    await this.#listener?.close();
  }
}

/** What the gateway makes of gRPC's codes. */
const statuses: Readonly<Record<number, number>> = {
  3: 400,
  5: 404,
  7: 403,
  8: 429,
  9: 412,
  11: 400,
  14: 503,
  16: 401,
};

/** One JSON value behind the other. */
function parseAll(body: string): Json[] {
  try {
    return body.split('\n').map((line) => JSON.parse(line) as Json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new EtcdRefusal(3, error.message);
  }
}
