// One stream of watches, as a client has it: what it watches, and from which revision on it was
// told.

import type { EtcdEnsemble } from './etcd-ensemble.ts';
import { decode, isWithin, type Json, type StoredEvent, shownKey } from './etcd-key-space.ts';
import type { HttpReply } from './http-server.ts';

interface Watch {
  readonly id: string;
  readonly key: string;
  readonly end: string;
  /** The first revision that it has not been told of. */
  next: number;
}

interface MemberOfStream {
  readonly ensemble: EtcdEnsemble;
  /** The newest that has reached it. */
  readonly revision: number;
  header(): Json;
}

export class WatchStream {
  /** It ends where nobody leads, and does not fall silent. */
  readonly needsLeader: boolean;
  readonly #member: MemberOfStream;
  readonly #reply: HttpReply;
  readonly #onEnd: () => void;
  readonly #watches: Watch[] = [];
  #isOver = false;

  constructor(
    member: MemberOfStream,
    reply: HttpReply,
    { needsLeader, onEnd }: { needsLeader: boolean; onEnd: () => void },
  ) {
    this.needsLeader = needsLeader;
    this.#member = member;
    this.#reply = reply;
    this.#onEnd = onEnd;
    reply.onClose = () => this.#close();
  }

  create({ key, range_end, watch_id, start_revision = '0' }: Json): void {
    const { data } = this.#member.ensemble;
    const from = Number(start_revision);
    const id = `${watch_id ?? this.#watches.length}`;
    const { revision } = this.#member;
    const watch = { id, key: decode(key), end: decode(range_end), next: revision + 1 };
    this.#tell(watch, { created: true });
    if (from !== 0 && from < watch.next) {
      const events = data.eventsFrom(from)?.filter((event) => event.revision <= revision) ?? null;
      if (events === null) {
        const compact_revision = `${data.compactedRevision}`;
        this.#tell(watch, { canceled: true, compact_revision });
        return;
      }
      this.#tellEvents(watch, events);
    }
    watch.next = Math.max(watch.next, from);
    this.#watches.push(watch);
  }

  onEvents(events: readonly StoredEvent[]): void {
    for (const watch of this.#watches) this.#tellEvents(watch, events);
  }

  #tellEvents(watch: Watch, events: readonly StoredEvent[]): void {
    const shown = events
      .filter(({ revision }) => revision >= watch.next || !this.#watches.includes(watch))
      .filter(({ key }) => isWithin(key, watch.key, watch.end))
      .map(shownEvent);
    if (shown.length > 0) this.#tell(watch, { events: shown });
  }

  #tell({ id }: Watch, what: Json): void {
    if (this.#isOver) return;
    const watch = id === '0' ? {} : { watch_id: id };
    this.#reply.part({ result: { header: this.#member.header(), ...watch, ...what } });
  }

  end(message: string): void {
    if (this.#isOver) return;
    this.#close();
    this.#reply.part({ error: { grpc_code: 14, http_code: 503, message } });
    this.#reply.end();
  }

  #close(): void {
    this.#isOver = true;
    this.#onEnd();
  }
}

function shownEvent({ entry, key, revision }: StoredEvent): Json {
  if (entry !== null) return { kv: shownKey(entry) };
  const kv = { key: Buffer.from(key, 'latin1').toString('base64'), mod_revision: `${revision}` };
  return { type: 'DELETE', kv };
}
