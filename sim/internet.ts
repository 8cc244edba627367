// What lies between the hosts: names, listeners, delays and cuts. A cut is one-way and loses no
// byte of a stream: as with TCP, what was sent waits and is sent again when the cut is over,
// unless the connection was given up before.

import type { Prng } from '../src/base/prng.ts';
import type { BoundPort, EnclosingHost, EnclosingWorld, StreamEnd, Wires } from './surroundings.ts';

const wildcards: readonly string[] = ['0.0.0.0', '::', ''];
const loopbacks: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/** The system sends again at growing distances, so that a healed cut is not noticed at once. */
const retransmitMsMax = 3_000;

export class Internet implements Wires {
  readonly world: EnclosingWorld;
  readonly prng: Prng;
  /** By host name and port. */
  readonly #listeners = new Map<string, BoundPort[]>();
  readonly #connections = new Set<StreamEnd>();
  /** `source>target` by host name. */
  readonly #cuts = new Set<string>();
  readonly #slowHosts = new Map<string, number>();
  #ephemeralPort = 49_151;

  constructor(world: EnclosingWorld) {
    this.world = world;
    this.prng = world.prng.fork('network');
  }

  /** Whether bytes from one host reach the other; a host always reaches itself. */
  isOpen(source: EnclosingHost, target: EnclosingHost): boolean {
    return source === target || !this.#cuts.has(`${source.name}>${target.name}`);
  }

  /** Cuts one direction. */
  cut(source: string, target: string): void {
    this.world.note(`cut ${source}>${target}`);
    this.#cuts.add(`${source}>${target}`);
  }

  /**
   * Cuts the way from every source to every target.
   * @returns what ends these cuts
   */
  cutWays(sources: readonly string[], targets: readonly string[]): () => void {
    const ways = waysOf(sources, targets);
    for (const [source, target] of ways) this.cut(source, target);
    return () => {
      for (const [source, target] of ways) this.heal(source, target);
    };
  }

  /**
   * Cuts both directions between every host of one side and every host of the other.
   * @returns what ends these cuts
   */
  partition(oneSide: readonly string[], otherSide: readonly string[]): () => void {
    const healThere = this.cutWays(oneSide, otherSide);
    const healBack = this.cutWays(otherSide, oneSide);
    return () => {
      healThere();
      healBack();
    };
  }

  /** For so long what the sources are asked is done, and the targets never hear so. */
  loseAnswers(sources: readonly string[], targets: readonly string[], forMs: number): void {
    this.cutWays(sources, targets);
    this.world.loop.schedule(forMs, () => {
      for (const [source, target] of waysOf(sources, targets)) {
        this.resetConnections(source, target);
        this.heal(source, target);
      }
    });
  }

  /** Ends all cuts, or one. */
  heal(source?: string, target?: string): void {
    this.world.note(`heal ${source ?? '*'}>${target ?? '*'}`);
    if (source === undefined || target === undefined) this.#cuts.clear();
    else this.#cuts.delete(`${source}>${target}`);
    for (const connection of this.#connections) {
      this.world.loop.schedule(this.prng.float() * retransmitMsMax, () => connection.onHeal());
    }
  }

  /** Limits what the host can send; undefined lifts the limit. */
  slowDown(hostName: string, bytesPerMs: number | undefined): void {
    if (bytesPerMs === undefined) this.#slowHosts.delete(hostName);
    else this.#slowHosts.set(hostName, bytesPerMs);
  }

  /** Resets the connections between two hosts, as a firewall that restarts would. */
  resetConnections(oneHost: string, otherHost: string): void {
    this.world.note(`reset ${oneHost}-${otherHost}`);
    for (const connection of [...this.#connections]) {
      const names = [connection.process.host.name, connection.peer.process.host.name];
      if (names.includes(oneHost) && names.includes(otherHost)) {
        connection.onReset('the connection was reset');
      }
    }
  }

  delayMs(source: EnclosingHost, target: EnclosingHost): number {
    const { prng } = this;
    if (source === target) return 0.01 + prng.float() * 0.02;
    const { delayMsMin, delayMsMean, spikeChance, spikeMs } = this.world.faults.network;
    const delayMs = delayMsMin - delayMsMean * Math.log(1 - prng.float());
    return spikeChance > 0 && prng.chance(spikeChance) ? delayMs + spikeMs : delayMs;
  }

  /** How long the host needs to put that many bytes on the wire. */
  transferMs(source: EnclosingHost, sizeBytes: number): number {
    const bytesPerMs = this.#slowHosts.get(source.name);
    return bytesPerMs === undefined ? 0 : sizeBytes / bytesPerMs;
  }

  /** The host that a name or an address means to a process; null if there is none. */
  resolve(from: EnclosingHost, name: string): { host: EnclosingHost; address: string } | null {
    if (loopbacks.includes(name) || wildcards.includes(name)) {
      return { host: from, address: '127.0.0.1' };
    }
    const host = this.world.hosts.find((one) => one.name === name || one.address === name);
    return host === undefined ? null : { host, address: host.address };
  }

  /** The address to listen on that a name means on that host; null if it is not its own. */
  bindAddress(host: EnclosingHost, name: string): string | null {
    if (wildcards.includes(name)) return '0.0.0.0';
    if (loopbacks.includes(name)) return '127.0.0.1';
    return name === host.name || name === host.address ? host.address : null;
  }

  nextPort(): number {
    if (++this.#ephemeralPort > 65_535) this.#ephemeralPort = 49_152;
    return this.#ephemeralPort;
  }

  /** False if the port is taken. */
  addListener(host: EnclosingHost, listener: BoundPort): boolean {
    const listeners = this.#listeners.get(host.name) ?? [];
    const isTaken = listeners.some(
      (other) =>
        other.port === listener.port &&
        (other.host === listener.host || [other.host, listener.host].includes('0.0.0.0')),
    );
    if (!isTaken) this.#listeners.set(host.name, [...listeners, listener]);
    return !isTaken;
  }

  removeListener(host: EnclosingHost, listener: BoundPort): void {
    const listeners = this.#listeners.get(host.name) ?? [];
    this.#listeners.set(
      host.name,
      listeners.filter((other) => other !== listener),
    );
  }

  findListener(host: EnclosingHost, address: string, port: number): BoundPort | null {
    const listeners = this.#listeners.get(host.name) ?? [];
    const matches = (one: BoundPort): boolean =>
      one.port === port && (one.host === address || one.host === '0.0.0.0');
    return listeners.find(matches) ?? null;
  }

  add(connection: StreamEnd): void {
    this.#connections.add(connection);
  }

  remove(connection: StreamEnd): void {
    this.#connections.delete(connection);
  }

  /** A host that comes back knows nothing of its old connections, and says so when asked. */
  onBoot(host: EnclosingHost): void {
    for (const connection of [...this.#connections]) {
      if (connection.process.host === host && !connection.process.isAlive) {
        this.world.loop.schedule(this.prng.float() * retransmitMsMax, () => connection.onBoot());
      }
    }
  }
}

function waysOf(sources: readonly string[], targets: readonly string[]): [string, string][] {
  return sources.flatMap((source) => targets.map((target): [string, string] => [source, target]));
}
