// What producers sent, in which order, and what they were told about it: the side of the story
// against which everything that is read later is held.

import { assert } from '../../src/base/assert.ts';
import { placeName } from './partition-contents.ts';
import type { RecordIdentity } from './record-identity.ts';

/** What may be demanded of a session. */
export interface SessionTraits {
  readonly acks: -1 | 0 | 1;
  readonly isIdempotent: boolean;
  /** One request under way at a time: retries cannot overtake each other. */
  readonly isSerial: boolean;
}

export interface SentRecord extends RecordIdentity {
  readonly timestamp: number;
  /** By the time of the world, if the ledger was given it. */
  readonly sentMs: number;
  /** `open`: the producer has not been told, or died before it was. */
  outcome: 'open' | 'acknowledged' | 'failed';
  /** -1 when the broker did not say. */
  offset: number;
}

export class Ledger {
  readonly #sessions = new Map<string, ProducerSession>();
  readonly #timeMs: () => number;

  constructor(timeMs: () => number = () => 0) {
    this.#timeMs = timeMs;
  }

  openSession(name: string, traits: SessionTraits): ProducerSession {
    assert(!this.#sessions.has(name), 'a session has a name of its own');
    const session = new ProducerSession(name, traits, this.#timeMs);
    this.#sessions.set(name, session);
    return session;
  }

  session(name: string): ProducerSession | undefined {
    return this.#sessions.get(name);
  }

  *sessions(): Iterable<ProducerSession> {
    yield* this.#sessions.values();
  }

  /** Over all sessions. */
  count(outcome: SentRecord['outcome']): number {
    let count = 0;
    for (const session of this.#sessions.values()) {
      for (const record of session.all()) if (record.outcome === outcome) count++;
    }
    return count;
  }
}

export class ProducerSession {
  readonly name: string;
  readonly traits: SessionTraits;
  readonly #sent = new Map<string, SentRecord[]>();
  readonly #timeMs: () => number;

  constructor(name: string, traits: SessionTraits, timeMs: () => number) {
    this.name = name;
    this.traits = traits;
    this.#timeMs = timeMs;
  }

  /** The next record for the partition. */
  next(place: { topic: string; partition: number }, timestamp: number): SentRecord {
    const sent = this.#sent.get(placeName(place)) ?? [];
    this.#sent.set(placeName(place), sent);
    const record: SentRecord = {
      producer: this.name,
      topic: place.topic,
      partition: place.partition,
      number: sent.length,
      timestamp,
      sentMs: this.#timeMs(),
      outcome: 'open',
      offset: -1,
    };
    sent.push(record);
    return record;
  }

  settle(record: SentRecord, error: Error | null, offset: number): void {
    assert(record.outcome === 'open', 'a record is settled once');
    record.outcome = error === null ? 'acknowledged' : 'failed';
    record.offset = error === null ? offset : -1;
  }

  /** In the order in which they were sent. */
  sentTo(place: { topic: string; partition: number }): readonly SentRecord[] {
    return this.#sent.get(placeName(place)) ?? [];
  }

  *all(): Iterable<SentRecord> {
    for (const sent of this.#sent.values()) yield* sent;
  }
}
