// What a small etcd stores: keys with revisions, their history up to the last compaction, and
// leases with what is attached to them. All of it is synchronous; answers are those of etcd 3.4,
// word for word.
//
// Invariants: each change that does something has a revision of its own, one more than the one
// before; a transaction is checked as a whole before anything of it is done.

export type Json = Readonly<Record<string, unknown>>;

/** An answer that is a refusal, with gRPC's code. */
export class EtcdRefusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface StoredKey {
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** base64 */
  readonly value: string;
  readonly lease: string;
}

export interface StoredEvent {
  readonly revision: number;
  /** null: the key was deleted. */
  readonly entry: StoredKey | null;
  readonly key: string;
}

interface Lease {
  readonly ttl: number;
  readonly keys: Set<string>;
  endsAtMs: number;
}

const operationsMax = 128;
const requestBytesMax = 1.5 * 1024 * 1024;
const leaseTtlMax = 9_000_000_000;

export class EtcdKeySpace {
  revision = 1;
  /** etcd may be compacted at revision 0 once. */
  compactedRevision = -1;
  readonly leases = new Map<string, Lease>();
  readonly #keys = new Map<string, StoredKey>();
  #history: StoredEvent[] = [];
  #nextLease = 7_000_000_000_001;
  /** Seconds; etcd takes it from its election time-out. */
  leaseTtlMin = 1;
  /** Told of every event, after the change. */
  onEvents: (events: readonly StoredEvent[]) => void = () => {};
  /** NOSPACE: puts and leases are refused. */
  isFull = false;

  /** Bytes of all that is kept, old revisions too. */
  get sizeBytes(): number {
    let bytes = 0;
    for (const { entry, key } of this.#history) bytes += key.length + (entry?.value.length ?? 0);
    return bytes;
  }

  /** A backup: whoever calls what is returned puts the data back as they are now. */
  keep(): () => void {
    const { revision, compactedRevision } = this;
    const keys = [...this.#keys];
    const history = [...this.#history];
    const leases = [...this.leases].map(([id, lease]) => {
      return [id, { ...lease, keys: new Set(lease.keys) }] as const;
    });
    return () => {
      this.revision = revision;
      this.compactedRevision = compactedRevision;
      this.#history = [...history];
      for (const [map, entries] of [
        [this.#keys, keys],
        [this.leases, leases],
      ] as const) {
        map.clear();
        for (const [key, value] of entries) map.set(key, value as never);
      }
    };
  }

  range(request: Json): Json {
    const at = revisionOf(request.revision);
    this.#checkRange(request);
    const keys = at === 0 ? this.#keys : this.#keysAt(at);
    const found = within(keys, decode(request.key), decode(request.range_end));
    const limit = Number(request.limit ?? 0);
    const some = limit > 0 ? found.slice(0, limit) : found;
    const shown = some.map((entry) => shownKey(entry, request.keys_only === true));
    return {
      ...(shown.length > 0 && request.count_only !== true ? { kvs: shown } : {}),
      ...(some.length < found.length && request.count_only !== true ? { more: true } : {}),
      ...(found.length > 0 ? { count: `${found.length}` } : {}),
    };
  }

  #checkRange(request: Json): void {
    const at = revisionOf(request.revision);
    if (decode(request.key) === '') throw new EtcdRefusal(3, 'etcdserver: key is not provided');
    if (at > this.revision) {
      throw new EtcdRefusal(11, 'etcdserver: mvcc: required revision is a future revision');
    }
    if (at !== 0 && at < this.compactedRevision) throw compacted();
  }

  put(request: Json): Json {
    this.#checkSize([request]);
    if (decode(request.key) === '') throw new EtcdRefusal(3, 'etcdserver: key is not provided');
    this.#checkPut(request);
    this.#change((events) => this.#put(request, events));
    return {};
  }

  #checkPut({ lease = '0' }: Json): void {
    if (this.isFull) throw noSpace();
    if (`${lease}` !== '0' && !this.leases.has(`${lease}`)) throw leaseNotFound();
  }

  #put(request: Json, events: StoredEvent[]): void {
    const key = decode(request.key);
    const lease = `${request.lease ?? '0'}`;
    const before = this.#keys.get(key);
    const entry: StoredKey = {
      key,
      createRevision: before?.createRevision ?? this.revision + 1,
      modRevision: this.revision + 1,
      version: (before?.version ?? 0) + 1,
      value: `${request.value ?? ''}`,
      lease,
    };
    if (before !== undefined) this.leases.get(before.lease)?.keys.delete(key);
    this.leases.get(lease)?.keys.add(key);
    this.#keys.set(key, entry);
    events.push({ revision: entry.modRevision, entry, key });
  }

  deleteRange(request: Json): Json {
    if (decode(request.key) === '') throw new EtcdRefusal(3, 'etcdserver: key is not provided');
    let count = 0;
    this.#change((events) => {
      count = this.#delete(request, events);
    });
    return count === 0 ? {} : { deleted: `${count}` };
  }

  #delete(request: Json, events: StoredEvent[]): number {
    const found = within(this.#keys, decode(request.key), decode(request.range_end));
    for (const { key } of found) this.#deleteKey(key, events);
    return found.length;
  }

  #deleteKey(key: string, events: StoredEvent[]): void {
    const entry = this.#keys.get(key);
    if (entry === undefined) return;
    this.leases.get(entry.lease)?.keys.delete(key);
    this.#keys.delete(key);
    events.push({ revision: this.revision + 1, entry: null, key });
  }

  /** What happens in it has one revision, if anything does. */
  #change(make: (events: StoredEvent[]) => void): void {
    const events: StoredEvent[] = [];
    make(events);
    if (events.length === 0) return;
    this.revision += 1;
    for (const event of events) this.#history.push(event);
    this.onEvents(events);
  }

  txn(request: Json): Json {
    const { compare = [], success = [], failure = [] } = request as Record<string, Json[]>;
    this.#checkSize([...success, ...failure].flatMap((operation) => Object.values(operation)));
    if (Math.max(compare.length, success.length, failure.length) > operationsMax) {
      throw new EtcdRefusal(3, 'etcdserver: too many operations in txn request');
    }
    for (const { key } of compare) {
      if (decode(key) === '') throw new EtcdRefusal(3, 'etcdserver: key is not provided');
    }
    for (const operation of [...success, ...failure]) {
      const { key } = Object.values(operation)[0] as Json;
      if (decode(key) === '') throw new EtcdRefusal(3, 'etcdserver: key is not provided');
    }
    for (const operations of [success, failure]) checkOperations(operations);
    const isPut = [...success, ...failure].some((operation) => operation.request_put !== undefined);
    if (this.isFull && isPut) throw noSpace();
    const succeeded = compare.every((each) => this.#compares(each));
    const operations = succeeded ? success : failure;
    for (const { request_put } of operations) {
      if (request_put !== undefined) this.#checkPut(request_put as Json);
    }
    for (const { request_range } of operations) {
      if (request_range !== undefined) this.#checkRange(request_range as Json);
    }
    const responses: Json[] = [];
    this.#change((events) => {
      for (const operation of operations) responses.push(this.#operate(operation, events));
    });
    return {
      ...(succeeded ? { succeeded } : {}),
      ...(responses.length > 0 ? { responses } : {}),
    };
  }

  #operate(
    { request_put, request_range, request_delete_range }: Json,
    events: StoredEvent[],
  ): Json {
    if (request_put !== undefined) {
      this.#put(request_put as Json, events);
      return { response_put: { header: this.#inner(events) } };
    }
    if (request_range !== undefined) {
      const range = this.range(request_range as Json);
      return { response_range: { header: this.#inner(events), ...range } };
    }
    const count = this.#delete(request_delete_range as Json, events);
    const deleted = count === 0 ? {} : { deleted: `${count}` };
    return { response_delete_range: { header: this.#inner(events), ...deleted } };
  }

  #inner(events: readonly StoredEvent[]): Json {
    return { revision: `${this.revision + (events.length > 0 ? 1 : 0)}` };
  }

  #compares(compare: Json): boolean {
    const entry = this.#keys.get(decode(compare.key));
    const { target = 'VERSION', result = 'EQUAL' } = compare;
    let sign: number;
    if (target === 'VALUE') {
      if (entry === undefined) return false;
      const [have, want] = [decode(entry.value), decode(compare.value)];
      sign = have === want ? 0 : have < want ? -1 : 1;
    } else if (target === 'LEASE') {
      sign = Math.sign(Number(entry?.lease ?? 0) - Number(compare.lease ?? 0));
    } else {
      const have = {
        VERSION: entry?.version,
        CREATE: entry?.createRevision,
        MOD: entry?.modRevision,
      };
      const want = {
        VERSION: compare.version,
        CREATE: compare.create_revision,
        MOD: compare.mod_revision,
      };
      const of = target as keyof typeof have;
      sign = Math.sign((have[of] ?? 0) - Number(want[of] ?? 0));
    }
    return { EQUAL: sign === 0, NOT_EQUAL: sign !== 0, GREATER: sign > 0, LESS: sign < 0 }[
      result as 'EQUAL'
    ];
  }

  #checkSize(requests: readonly unknown[]): void {
    let bytes = 0;
    for (const { key, value } of requests as { key?: string; value?: string }[]) {
      bytes += decode(key).length + Math.floor(((value ?? '').length * 3) / 4);
    }
    if (bytes > requestBytesMax) throw new EtcdRefusal(3, 'etcdserver: request is too large');
  }

  compact(request: Json): Json {
    const revision = revisionOf(request.revision);
    if (revision <= this.compactedRevision) throw compacted();
    if (revision > this.revision) {
      throw new EtcdRefusal(11, 'etcdserver: mvcc: required revision is a future revision');
    }
    this.compactedRevision = revision;
    // What a key was at that revision stays; nothing that was before it does.
    const latest = new Map<string, StoredEvent>();
    const later: StoredEvent[] = [];
    for (const event of this.#history) {
      if (event.revision > revision) later.push(event);
      else if (event.entry === null) latest.delete(event.key);
      else latest.set(event.key, event);
    }
    this.#history = [...latest.values(), ...later];
    return {};
  }

  #keysAt(revision: number): Map<string, StoredKey> {
    const keys = new Map<string, StoredKey>();
    for (const event of this.#history) {
      if (event.revision > revision) break;
      if (event.entry === null) keys.delete(event.key);
      else keys.set(event.key, event.entry);
    }
    return keys;
  }

  /** What happened from the revision on; null: some of it was compacted. */
  eventsFrom(revision: number): readonly StoredEvent[] | null {
    if (revision < this.compactedRevision) return null;
    return this.#history.filter((event) => event.revision >= revision);
  }

  grantLease({ ID = '0', TTL = '0' }: Json, nowMs: number): Json {
    if (this.isFull) throw noSpace();
    const id = `${ID}` === '0' ? `${this.#nextLease++}` : `${ID}`;
    if (Number(TTL) > leaseTtlMax) throw new EtcdRefusal(11, 'etcdserver: too large lease TTL');
    if (this.leases.has(id)) throw new EtcdRefusal(9, 'etcdserver: lease already exists');
    const ttl = Math.max(this.leaseTtlMin, Number(TTL));
    this.leases.set(id, { ttl, keys: new Set(), endsAtMs: nowMs + ttl * 1000 });
    return { ID: id, TTL: `${ttl}` };
  }

  keepAlive({ ID = '0' }: Json, nowMs: number): Json {
    const lease = this.leases.get(`${ID}`);
    if (lease === undefined) return { ID: `${ID}` };
    lease.endsAtMs = nowMs + lease.ttl * 1000;
    return { ID: `${ID}`, TTL: `${lease.ttl}` };
  }

  revokeLease({ ID = '0' }: Json): Json {
    const lease = this.leases.get(`${ID}`);
    if (lease === undefined) throw leaseNotFound();
    this.#change((events) => {
      for (const key of [...lease.keys].sort()) this.#deleteKey(key, events);
    });
    this.leases.delete(`${ID}`);
    return {};
  }

  /** Those whose time is over. */
  expireLeases(nowMs: number): void {
    for (const [ID, { endsAtMs }] of [...this.leases])
      if (endsAtMs <= nowMs) this.revokeLease({ ID });
  }

  /** A new leader gives each lease its whole time. */
  extendLeases(nowMs: number): void {
    for (const lease of this.leases.values()) lease.endsAtMs = nowMs + lease.ttl * 1000;
  }
}

/** Puts may not meet each other or a deletion within one branch; deletions may meet. */
function checkOperations(operations: readonly Json[]): void {
  const puts = new Set<string>();
  const deletions: Json[] = [];
  for (const operation of operations) {
    const body = Object.values(operation)[0] as Json;
    if (operation.request_delete_range !== undefined) deletions.push(body);
    if (operation.request_put === undefined) continue;
    const key = decode(body.key);
    if (puts.has(key)) throw duplicateKey();
    puts.add(key);
  }
  for (const key of puts) {
    for (const { key: from, range_end } of deletions) {
      const end = decode(range_end);
      // Of a range without an end etcd takes the zero byte for one here, and finds no duplicate.
      if (end === '' ? key === decode(from) : key >= decode(from) && key < end)
        throw duplicateKey();
    }
  }
}

export function isWithin(key: string, from: string, end: string): boolean {
  if (end === '') return key === from;
  return key >= from && (end === '\0' || key < end);
}

function within(keys: ReadonlyMap<string, StoredKey>, from: string, end: string): StoredKey[] {
  if (end === '') {
    const entry = keys.get(from);
    return entry === undefined ? [] : [entry];
  }
  const found = [...keys.values()].filter(({ key }) => isWithin(key, from, end));
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

export function shownKey(entry: StoredKey, keyOnly = false): Json {
  return {
    key: encode(entry.key),
    create_revision: `${entry.createRevision}`,
    mod_revision: `${entry.modRevision}`,
    version: `${entry.version}`,
    ...(entry.value === '' || keyOnly ? {} : { value: entry.value }),
    ...(entry.lease === '0' ? {} : { lease: entry.lease }),
  };
}

/** Keys are bytes: one character each. */
export function decode(text: unknown): string {
  return Buffer.from(`${text ?? ''}`, 'base64').toString('latin1');
}

export function encode(key: string): string {
  return Buffer.from(key, 'latin1').toString('base64');
}

function revisionOf(text: unknown): number {
  return Number(text ?? 0);
}

const compacted = (): EtcdRefusal =>
  new EtcdRefusal(11, 'etcdserver: mvcc: required revision has been compacted');
const leaseNotFound = (): EtcdRefusal =>
  new EtcdRefusal(5, 'etcdserver: requested lease not found');
const noSpace = (): EtcdRefusal => new EtcdRefusal(8, 'etcdserver: mvcc: database space exceeded');
const duplicateKey = (): EtcdRefusal =>
  new EtcdRefusal(3, 'etcdserver: duplicate key given in txn request');
