// A member of a small etcd: answers over HTTP as etcd's JSON gateway does, on the network of any
// Io, for the simulator and for being compared with the real one.
//
// Invariants: a member that has no leader changes nothing, and reads only what may be old; one that
// lags is late with everything, and what it answers is the newest all the same. What may be old
// (`serializable`) is answered at once, by what has reached this member; its watches say nothing
// else, so one that is cut off says nothing to whoever has not demanded a leader.

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
  /** Everything is as late here. */
  lagMs = 0;
  readonly tokens = new Set<string>();
  #isConnected = true;
  /** What has not reached it yet, oldest first. */
  #coming: (readonly StoredEvent[])[] = [];
  #takenCount = 0;
  #revision: number;
  readonly #streams = new Set<WatchStream>();
  #listener: Listener | null = null;
  #expiry: Timer | null = null;

  constructor(io: Io, ensemble: EtcdEnsemble) {
    this.io = io;
    this.ensemble = ensemble;
    this.id = ensemble.members.push(this);
    this.#revision = ensemble.data.revision;
  }

  /** The newest that has reached it. */
  get revision(): number {
    return this.#revision;
  }

  /** With the other members. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  set isConnected(isConnected: boolean) {
    this.#isConnected = isConnected;
    if (isConnected) this.#takeIn(this.#coming.length);
  }

  async listen(host: string, port: number): Promise<number> {
    this.ensemble.settleLeader();
    this.#listener = await serveHttp(this.io, host, port, ({ path, headers, body }, reply) => {
      const answer = (): void => this.#answer(path, headers, body, reply);
      if (this.lagMs > 0 && !mayBeOld(path, body)) this.io.clock.after(this.lagMs, answer);
      else answer();
    });
    this.#expire();
    return this.#listener.port;
  }

  get hasLeader(): boolean {
    return this.#isConnected && this.ensemble.leader !== null;
  }

  /** Cuts it off from the other members, or not any more; its clients still reach it. */
  connect(isConnected: boolean): void {
    this.isConnected = isConnected;
    this.io.clock.after(electionMs, () => this.ensemble.settleLeader());
  }

  /** Those who demanded a leader hear that there is none; the others hear nothing. */
  onLeader(): void {
    if (this.hasLeader) return;
    for (const stream of [...this.#streams]) {
      if (stream.needsLeader) stream.end('etcdserver: no leader');
    }
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
      if (!this.hasLeader && needsLeader) throw new EtcdRefusal(14, 'etcdserver: no leader');
      if (path === '/v3/watch') {
        this.#watch(requests, reply, needsLeader);
        return;
      }
      if (mayBeOld(path, body)) {
        reply.whole(200, this.#readHere(requests[0] ?? {}));
        return;
      }
      if (!this.hasLeader) throw new EtcdRefusal(14, 'etcdserver: request timed out');
      if (path === '/v3/lease/keepalive') {
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

  /** What has reached this member. Of what was compacted since, the newest stands for it. */
  #readHere(request: Json): Json {
    const { data } = this.ensemble;
    const isKept = this.#revision < data.revision && this.#revision >= data.compactedRevision;
    const at = Number(request.revision ?? 0) === 0 && isKept ? { revision: this.#revision } : {};
    const header = { ...this.header(), revision: `${this.#revision}` };
    return { header, ...data.range({ ...request, ...at }) };
  }

  #watch(requests: readonly Json[], reply: HttpReply, needsLeader: boolean): void {
    const onEnd = (): void => void this.#streams.delete(stream);
    const stream = new WatchStream(this, reply, { needsLeader, onEnd });
    this.#streams.add(stream);
    for (const { create_request } of requests) stream.create((create_request ?? {}) as Json);
  }

  onEvents(events: readonly StoredEvent[]): void {
    const until = this.#takenCount + this.#coming.push(events);
    const take = (): void => this.#takeIn(until - this.#takenCount);
    if (this.lagMs > 0) this.io.clock.after(this.lagMs, take);
    else take();
  }

  #takeIn(count: number): void {
    if (!this.#isConnected) return;
    for (const events of this.#coming.splice(0, Math.max(0, count))) {
      this.#takenCount += 1;
      this.#revision = events.at(-1)?.revision ?? this.#revision;
      for (const stream of this.#streams) stream.onEvents(events);
    }
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

/** A read that does not ask whether this member has the newest. */
function mayBeOld(path: string, body: string): boolean {
  return path === '/v3/kv/range' && /"serializable":\s*true/.test(body);
}

/** One JSON value behind the other. */
function parseAll(body: string): Json[] {
  try {
    return body.split('\n').map((line) => JSON.parse(line) as Json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new EtcdRefusal(3, error.message);
  }
}
