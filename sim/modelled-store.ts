// The store of a cluster as a small etcd or ZooKeeper (sim/models): three hosts with a member on
// each, which the real engines reach over the simulated network. Whoever kills or holds a member
// meets a leader or another one; at times a member lags, or all sessions are taken for dead though
// everybody lives.
//
// Invariant: what the members agreed on outlives their processes: it is kept on a host of its own
// that nobody harms.

import type { Prng } from '../src/base/prng.ts';
import type { Io } from '../src/io/index.ts';
import { type ClusterStore, openStore } from '../src/metadata/index.ts';
import { KafkaError } from '../src/protocol/index.ts';
import type { Host } from './host.ts';
import { MetadataCounts } from './metadata-counts.ts';
import { EtcdEnsemble, EtcdMember } from './models/etcd/index.ts';
import { type Member, ZooKeeperEnsemble } from './models/zookeeper/index.ts';
import type { Reach } from './reached.ts';
import type { SimProcess } from './sim-process.ts';
import type { Pick, StoreHosts } from './store-hosts.ts';
import type { World } from './world.ts';

const memberCount = 3;
const electionMs = 1_000;
const sessionTimeoutMs = 9_000;
const againMs = 500;

/** What the members of a model have in common. */
interface Ensemble {
  readonly port: number;
  begin(place: number, io: Io): Promise<void>;
  end(place: number): void;
  /** The others go on without it, or with it again. */
  leaveOut(place: number, isOut: boolean): void;
  /** false: it never is late. */
  lag(place: number, isLate: boolean): boolean;
  /** A member that is left out has noticed. */
  hangUp(place: number): void;
  /** Nobody was silent. */
  endAllSessions(): void;
  endOneSession(pick: Pick): void;
  /** No room for changes any more, or room again; false: its members stop, and cannot start. */
  fill(isFull: boolean): boolean;
  /** A backup: whoever calls what is returned puts the data back as they are now. */
  keep(): () => void;
}

class SmallEtcd implements Ensemble {
  readonly port = 2379;
  readonly #ensemble = new EtcdEnsemble();
  readonly #members = new Map<number, EtcdMember>();

  async begin(place: number, io: Io): Promise<void> {
    this.#remove(place);
    const member = new EtcdMember(io, this.#ensemble);
    this.#members.set(place, member);
    await member.listen('0.0.0.0', this.port);
  }

  /** Of a process that is dead: it leads nobody, and its timers are gone. */
  #remove(place: number): void {
    this.leaveOut(place, true);
    const { members } = this.#ensemble;
    const index = members.indexOf(this.#members.get(place) as EtcdMember);
    if (index !== -1) members.splice(index, 1);
  }

  end(place: number): void {
    this.leaveOut(place, true);
  }

  leaveOut(place: number, isOut: boolean): void {
    const member = this.#members.get(place);
    if (member === undefined) return;
    member.isConnected = !isOut;
    this.#ensemble.settleLeader();
  }

  lag(place: number, isLate: boolean): boolean {
    const member = this.#members.get(place);
    if (member !== undefined) member.lagMs = isLate ? 200 : 0;
    return member !== undefined;
  }

  /** Who demanded a leader was told. */
  hangUp(): void {}

  endAllSessions(): void {
    this.#ensemble.revokeAll();
  }

  endOneSession(pick: Pick): void {
    const { data } = this.#ensemble;
    const ids = [...data.leases.keys()];
    if (ids.length > 0) data.revokeLease({ ID: pick(ids) });
  }

  /** As when the quota is used up: the alarm is on until somebody compacts and disarms it. */
  fill(isFull: boolean): boolean {
    this.#ensemble.isAlarmed = isFull;
    if (!isFull) this.#ensemble.disarm();
    return true;
  }

  keep(): () => void {
    return this.#ensemble.data.keep();
  }
}

class SmallZooKeeper implements Ensemble {
  readonly port = 2181;
  readonly #ensemble: ZooKeeperEnsemble;
  readonly #members = new Map<number, Member>();

  constructor(io: Io) {
    this.#ensemble = new ZooKeeperEnsemble(io);
  }

  async begin(place: number, io: Io): Promise<void> {
    const address = { host: '0.0.0.0', port: this.port };
    this.#members.set(place, await this.#ensemble.addMember(io, address));
    this.#settleLeader();
  }

  end(place: number): void {
    const member = this.#members.get(place);
    const { members } = this.#ensemble;
    if (member === undefined) return;
    this.#members.delete(place);
    members.splice(members.indexOf(member), 1);
    this.#settleLeader();
  }

  /** Without a majority nobody leads. */
  #settleLeader(): void {
    const { members, leader } = this.#ensemble;
    const there = members.filter(({ isApart }) => !isApart);
    const [next = null] = there.length * 2 > memberCount ? there : [];
    const isLed = leader !== null && there.includes(leader);
    if (next === null ? leader !== null : !isLed) this.#ensemble.lead(next);
  }

  leaveOut(place: number, isOut: boolean): void {
    const member = this.#members.get(place);
    if (isOut) member?.part();
    this.#settleLeader();
    if (isOut) return;
    member?.join();
    this.#settleLeader();
  }

  hangUp(place: number): void {
    this.#members.get(place)?.hangUp();
  }

  lag(place: number, isLate: boolean): boolean {
    const member = this.#members.get(place);
    const mayLag = member !== undefined && this.#ensemble.leader !== member;
    if (isLate && mayLag) member.lag();
    else if (!isLate) member?.catchUp();
    return mayLag;
  }

  endAllSessions(): void {
    // Without a leader nothing is decided.
    if (this.#ensemble.leader === null) return;
    for (const id of [...this.#ensemble.sessions.keys()]) this.#ensemble.expire(id);
  }

  endOneSession(pick: Pick): void {
    const ids = [...this.#ensemble.sessions.keys()];
    if (this.#ensemble.leader !== null && ids.length > 0) this.#ensemble.expire(pick(ids));
  }

  /** A server that cannot write its log ends. */
  fill(): boolean {
    return false;
  }

  keep(): () => void {
    return this.#ensemble.keep();
  }
}

/** What a world of these stores is there for. */
export const storeReaches: readonly Reach[] = [
  'store outages',
  'members gone with a broker',
  'full stores',
  'false revocations',
  'members that lag',
  'members cut from others',
  'lost answers',
  'stores put back',
].map((name) => ({ name, line: /^never$/ }));

export type ModelKind = 'etcd' | 'zookeeper';

export class ModelledStore implements StoreHosts {
  readonly hosts: readonly Host[];
  readonly address: string;
  readonly #world: World;
  readonly #ensemble: Ensemble;
  readonly #prng: Prng;
  readonly #processes: (SimProcess | null)[];
  readonly counts: MetadataCounts;
  #watch: SimProcess | null = null;
  /** So far it was counted. */
  #countedEnd = 0;
  #isFull = false;
  /** A backup was put back: whoever reads along has read more. */
  #isOlder = false;

  constructor(world: World, kind: ModelKind) {
    this.#world = world;
    this.#prng = world.prng.fork('store');
    this.counts = new MetadataCounts(world.reached);
    const { io } = world.startProcess('store-data');
    this.#ensemble = kind === 'etcd' ? new SmallEtcd() : new SmallZooKeeper(io);
    const names = Array.from({ length: memberCount }, (_, place) => `store-${place + 1}`);
    this.hosts = names.map((name) => world.host(name));
    this.#processes = names.map(() => null);
    const { port } = this.#ensemble;
    this.address = `${kind}://${names.map((name) => `${name}:${port}`).join(',')}/partita`;
  }

  get isUp(): boolean {
    return this.#processes.every((process) => process?.isAlive === true);
  }

  start(): void {
    if (this.#isFull) return;
    for (const [place, host] of this.hosts.entries()) {
      if (this.#processes[place]?.isAlive === true) continue;
      this.#processes[place] = host.start(async (io, process) => {
        await this.#ensemble.begin(place, io);
        process.note('serves');
      });
    }
    if (this.#isOlder) return;
    this.#watch ??= this.#world.startProcess('store-watch', (io) => this.#count(io));
  }

  /** Reads along as one more client, whom nobody cuts off. */
  async #count(io: Io): Promise<void> {
    const store = await this.#opened(io);
    await store.watch(this.#countedEnd, {
      onSnapshot: async () => {},
      onBatch: (batch) => {
        this.#countedEnd = batch.baseOffset + batch.records.length;
        this.counts.onBatch(batch);
      },
      onError: (error) => this.#world.fail(error),
    });
  }

  /** Whoever begins while it is full, or away for long, is refused. */
  async #opened(io: Io): Promise<ClusterStore> {
    const { address } = this;
    const known = { clusterId: null, hasData: false };
    for (;;) {
      try {
        return await openStore(io, { address, clusterId: null, known, sessionTimeoutMs });
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
      }
      await io.clock.sleep(againMs);
    }
  }

  kill(pick: Pick = ([first]) => first as never): void {
    this.#kill(pick([...this.hosts.keys()]));
    if (this.#prng.chance(0.3)) this.#lag();
  }

  #kill(place: number): void {
    this.#processes[place]?.kill();
    // So long the others need to notice.
    this.#later(electionMs, () => {
      if (this.#processes[place]?.isAlive === false) this.#ensemble.end(place);
    });
  }

  lag(): void {
    this.#lag();
  }

  endAllSessions(): void {
    this.#world.reached.onReached('false revocations');
    this.#ensemble.endAllSessions();
  }

  /** Somebody is taken for dead who was not silent. */
  endOneSession(pick: Pick): void {
    this.#ensemble.endOneSession(pick);
  }

  killAll(): void {
    this.#world.reached.onReached('store outages');
    for (const place of this.hosts.keys()) this.#kill(place);
  }

  killBeside(nodeId: number): void {
    this.#world.reached.onReached('members gone with a broker');
    this.#kill((nodeId - 1) % memberCount);
  }

  fill(forMs: number): void {
    if (this.#isFull) return;
    this.#world.reached.onReached('full stores');
    const goesOn = this.#ensemble.fill(true);
    this.#isFull = !goesOn;
    if (!goesOn) for (const place of this.hosts.keys()) this.#kill(place);
    this.#later(forMs, () => {
      this.#ensemble.fill(false);
      this.#isFull = false;
      this.start();
    });
  }

  keep(): () => void {
    const putBack = this.#ensemble.keep();
    const end = this.#countedEnd;
    return () => {
      this.#isOlder = end < this.#countedEnd;
      this.#watch?.kill();
      this.#watch = null;
      for (const [place, process] of this.#processes.entries()) {
        process?.kill();
        this.#ensemble.end(place);
      }
      putBack();
    };
  }

  hold(forMs: number, pick: Pick = ([first]) => first as never): void {
    const place = pick([...this.hosts.keys()]);
    this.#processes[place]?.freeze(forMs);
    this.#later(electionMs, () => this.#ensemble.leaveOut(place, true));
    this.#later(forMs + electionMs, () => {
      this.#ensemble.leaveOut(place, false);
      // A leader that was held for too long takes everybody for dead (etcd's issue 15247).
      if (!this.#prng.chance(0.5)) return;
      this.endAllSessions();
    });
  }

  #lag(): void {
    const first = this.#prng.int(memberCount);
    const forMs = this.#prng.int(3_000);
    if (this.#prng.chance(0.5)) {
      this.#part(first, forMs);
      return;
    }
    const places = [first, (first + 1) % memberCount];
    const late = places.find((place) => this.#ensemble.lag(place, true));
    if (late === undefined) return;
    this.#world.reached.onReached('members that lag');
    this.#later(forMs, () => this.#ensemble.lag(late, false));
  }

  /** Its clients reach it, and it reaches no other member. */
  #part(place: number, forMs: number): void {
    this.#world.reached.onReached('members cut from others');
    this.#ensemble.leaveOut(place, true);
    this.#later(electionMs, () => this.#ensemble.hangUp(place));
    this.#later(electionMs + forMs, () => this.#ensemble.leaveOut(place, false));
  }

  #later(delayMs: number, act: () => void): void {
    this.#world.loop.schedule(delayMs, act);
  }
}
