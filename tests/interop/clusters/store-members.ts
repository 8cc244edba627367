// Where a cluster of ours keeps its metadata, as processes beside its brokers: the store of
// `--brokers`, or real members of etcd or ZooKeeper. Here is which commands run them, what brokers
// are told of them, and which member leads.
//
// Invariant: each member has a place of its own in the network, so that a broker can be cut off
// from the store and go on with the others; a machine is a broker's place and its member's.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNodeIo } from '../../../src/io/index.ts';
import { ZooKeeperStore } from '../../../src/metadata/engines/zookeeper/index.ts';
import { answers, shortLived } from '../toolchain.ts';
import { fourLetters, isZooKeeperHere } from '../zookeeper/zookeeper-servers.ts';

export type StoreKind = 'shared' | 'etcd' | 'zookeeper';

export interface StoreSite {
  /** Of the members' data. */
  readonly directory: string;
  hostOf(place: string): string;
  /** The same each time it is asked for the same place and purpose. */
  portOf(place: string, purpose?: 'client' | 'peer' | 'election'): number;
}

export interface StoreMembers {
  readonly kind: StoreKind;
  readonly places: readonly string[];
  /** What the brokers' files say of it. */
  readonly brokerConfig: Readonly<Record<string, string>>;
  commandOf(place: string): readonly string[];
  /** It answers clients, which takes a majority. */
  isServing(place: string): Promise<boolean>;
  /** The place of who leads, if somebody knows. */
  leader(): Promise<string | null>;
  /** Ends every session, or deletes every key of one, while all live; returns how many. */
  endSessions(): Promise<number>;
}

/** `shared` is always one process. */
export function storePlaces(kind: StoreKind, memberCount: number): readonly string[] {
  if (kind === 'shared') return ['store'];
  return Array.from({ length: memberCount }, (_, index) => `s${index + 1}`);
}

/** Why there is no such store here; null: there is. */
export function whyNoStore(kind: StoreKind): string | null {
  const isHere = { shared: () => true, etcd: isEtcdHere, zookeeper: isZooKeeperHere }[kind]();
  return isHere ? null : `${kind} is missing: run tests/interop/install.sh`;
}

function isEtcdHere(): boolean {
  return answers('etcd', '--version');
}

export function storeMembers(
  kind: StoreKind,
  places: readonly string[],
  site: StoreSite,
): StoreMembers {
  const types = { shared: SharedProcess, etcd: EtcdMembers, zookeeper: ZooKeeperMembers };
  return new types[kind](places, site);
}

const quiet = createNodeIo({ logLevel: 'off' });
const answerMsMax = 2_000;

abstract class Members {
  readonly places: readonly string[];
  protected readonly site: StoreSite;

  constructor(places: readonly string[], site: StoreSite) {
    this.places = places;
    this.site = site;
  }

  protected at(place: string, purpose?: 'client' | 'peer' | 'election'): string {
    return `${this.site.hostOf(place)}:${this.site.portOf(place, purpose)}`;
  }

  protected folderOf(place: string): string {
    const folder = join(this.site.directory, place);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  protected get hosts(): string {
    return this.places.map((place) => this.at(place)).join(',');
  }
}

const storeProcess = fileURLToPath(new URL('./store-process.js', import.meta.url));

class SharedProcess extends Members implements StoreMembers {
  readonly kind = 'shared';

  get brokerConfig() {
    return { 'cluster.store': `shared://${this.hosts}` };
  }

  commandOf(place: string): readonly string[] {
    const { site } = this;
    const where = [site.hostOf(place), `${site.portOf(place)}`, this.folderOf(place)];
    return [process.execPath, storeProcess, ...where];
  }

  /** It says so itself. */
  async isServing(): Promise<boolean> {
    return true;
  }

  async leader(): Promise<string | null> {
    return this.places[0] as string;
  }

  async endSessions(): Promise<number> {
    throw new Error('its sessions are connections');
  }
}

class EtcdMembers extends Members implements StoreMembers {
  readonly kind = 'etcd';

  get brokerConfig() {
    return { 'cluster.store': `etcd://${this.hosts}/tried` };
  }

  commandOf(place: string): readonly string[] {
    const client = `http://${this.at(place)}`;
    const peer = `http://${this.at(place, 'peer')}`;
    const flags: Record<string, string> = {
      name: place,
      'data-dir': this.folderOf(place),
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': this.places
        .map((each) => `${each}=http://${this.at(each, 'peer')}`)
        .join(','),
      // An election is shorter than a session of these tests.
      'heartbeat-interval': '100',
      'election-timeout': '1000',
      ...{ logger: 'zap', 'log-outputs': 'stderr', 'log-level': 'error' },
    };
    return ['etcd', ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)];
  }

  async isServing(place: string): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(answerMsMax);
      const response = await fetch(`http://${this.at(place)}/health`, { signal });
      return ((await response.json()) as { health?: string }).health === 'true';
    } catch {
      return false;
    }
  }

  async leader(): Promise<string | null> {
    const statuses = await Promise.all(this.places.map((place) => this.#status(place)));
    const led = statuses.find((status) => status !== null && status.leader !== '0')?.leader;
    const at = statuses.findIndex((status) => status?.header?.member_id === led);
    return led === undefined || at < 0 ? null : (this.places[at] as string);
  }

  async #status(place: string): Promise<Status | null> {
    try {
      return await this.#ask<Status>(place, '/v3/maintenance/status', {});
    } catch {
      return null;
    }
  }

  async #ask<T>(place: string, path: string, body: unknown): Promise<T> {
    const signal = AbortSignal.timeout(answerMsMax);
    const asked = { method: 'POST', body: JSON.stringify(body), signal };
    return (await (await fetch(`http://${this.at(place)}${path}`, asked)).json()) as T;
  }

  async endSessions(): Promise<number> {
    const place = this.places[0] as string;
    const { leases } = await this.#ask<{ leases: { ID: string }[] }>(place, '/v3/lease/leases', {});
    await Promise.all(leases.map(({ ID }) => this.#ask(place, '/v3/lease/revoke', { ID })));
    return leases.length;
  }
}

interface Status {
  readonly leader?: string;
  readonly header?: { readonly member_id?: string };
}

const zooKeeperJar = '/usr/share/java/zookeeper.jar';
/** Half of the shortest session, a twentieth of the longest. */
const tickMs = 500;

class ZooKeeperMembers extends Members implements StoreMembers {
  readonly kind = 'zookeeper';

  get brokerConfig() {
    return { 'zookeeper.connect': `${this.hosts}/tried` };
  }

  commandOf(place: string): readonly string[] {
    const folder = this.folderOf(place);
    const others = this.places.map((each, index) => {
      const ports = `${this.site.portOf(each, 'peer')}:${this.site.portOf(each, 'election')}`;
      return `server.${index + 1}=${this.site.hostOf(each)}:${ports}`;
    });
    const lines = [
      ...[`dataDir=${folder}`, `clientPort=${this.site.portOf(place)}`],
      ...[`clientPortAddress=${this.site.hostOf(place)}`, `tickTime=${tickMs}`],
      ...['initLimit=20', 'syncLimit=4', 'admin.enableServer=false', 'maxClientCnxns=0'],
      ...['4lw.commands.whitelist=*', ...(others.length > 1 ? others : []), ''],
    ];
    const file = join(folder, 'zoo.cfg');
    writeFileSync(file, lines.join('\n'));
    writeFileSync(join(folder, 'myid'), `${this.places.indexOf(place) + 1}\n`);
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
    return ['java', '-Xmx128m', ...shortLived, '-cp', zooKeeperJar, main, file];
  }

  async isServing(place: string): Promise<boolean> {
    return (await this.#mode(place)) !== null;
  }

  async leader(): Promise<string | null> {
    const modes = await Promise.all(this.places.map((place) => this.#mode(place)));
    const at = modes.findIndex((mode) => mode === 'leader' || mode === 'standalone');
    return at < 0 ? null : (this.places[at] as string);
  }

  async endSessions(): Promise<number> {
    const hosts = this.places.map((place) => {
      return { host: this.site.hostOf(place), port: this.site.portOf(place) };
    });
    const times = { sessionTimeoutMs: 10_000, connectTimeoutMs: 10_000 };
    const store = await ZooKeeperStore.open(quiet, { hosts, chroot: '/tried', ...times });
    try {
      const { entries } = await store.list('brokers');
      const controller = await store.get('controller');
      const removed = store.remove(
        'brokers',
        entries.map(({ name }) => name),
      );
      const deleted =
        controller !== null &&
        store.commit([{ key: 'controller', was: controller.version, becomes: null }]);
      await Promise.all([removed, deleted]);
      return entries.length + (controller === null ? 0 : 1);
    } finally {
      await store.close();
    }
  }

  async #mode(place: string): Promise<string | null> {
    const { site } = this;
    const text = await fourLetters(site.portOf(place), 'srvr', site.hostOf(place));
    return /^Mode: (\w+)/m.exec(text)?.[1] ?? null;
  }
}
