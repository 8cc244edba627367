// Who was let in, and who was refused what, as lines of JSON. Whoever notes an event goes on at
// once: lines are written once a turn, after what they are about.
//
// Invariants: serving does not depend on the trail: what cannot be written, on a full disk for
// instance, is lost, counted, and told of by the first line that can be; what comes faster than it
// may is held back and counted, and one address alone holds back none of the others. No event has
// a password.

import { type Io, IoError, ofOutages, printable, RateLimitedLog } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';

export interface AuditEvent {
  readonly event: 'let in' | 'not let in' | 'refused';
  /** As `principalText` has it; null: nobody knows. */
  readonly principal: string | null;
  readonly address: string;
  readonly listener?: string;
  readonly mechanism?: string;
  readonly why?: string;
  readonly operation?: string;
  readonly resourceType?: string;
  readonly resourceName?: string;
}

export interface AuditSink {
  readonly name: string;
  /** @throws IoError, KafkaError: none of the lines is there */
  write(lines: readonly string[]): void;
  close(): void;
}

export interface AuditTrailOptions {
  readonly nodeId: number;
  /** audit.log.events.per.second.max */
  readonly eventsPerSecondMax: number;
  readonly sinks: readonly AuditSink[];
}

const secondMs = 1000;
/** Of the events of a second, one address may be the reason of so many. */
const shareOfAddress = 0.25;

interface Sink {
  readonly sink: AuditSink;
  /** Since the last line that was written. */
  lost: number;
}

export class AuditTrail {
  readonly #io: Io;
  readonly #options: AuditTrailOptions;
  readonly #outages: RateLimitedLog;
  readonly #sinks: Sink[];
  #lines: string[] = [];
  #isDue = false;
  #secondBeganMs = Number.NEGATIVE_INFINITY;
  #events = 0;
  readonly #byAddress = new Map<string, number>();
  #heldBack = 0;
  #isClosed = false;

  constructor(io: Io, options: AuditTrailOptions) {
    this.#io = io;
    this.#options = options;
    this.#outages = new RateLimitedLog(io.clock, io.log.child('audit'), ofOutages);
    this.#sinks = options.sinks.map((sink) => ({ sink, lost: 0 }));
  }

  note(event: AuditEvent): void {
    if (this.#isClosed) return;
    if (!this.#mayNote(event.address)) {
      // Whoever waits for the next event may wait for long.
      if (this.#heldBack++ === 0) this.#io.clock.after(secondMs, () => this.#tellHeldBack());
      return;
    }
    this.#add(event);
  }

  /** Further sinks; what was noted before is not told to them. */
  addSink(sink: AuditSink): void {
    this.#sinks.push({ sink, lost: 0 });
  }

  /** Writes what was noted. */
  close(): void {
    this.#tellHeldBack();
    this.#isClosed = true;
    this.#write();
    for (const { sink } of this.#sinks) sink.close();
  }

  #mayNote(address: string): boolean {
    const nowMs = this.#io.clock.monotonic();
    if (nowMs - this.#secondBeganMs >= secondMs) {
      this.#secondBeganMs = nowMs;
      this.#events = 0;
      this.#byAddress.clear();
    }
    const { eventsPerSecondMax } = this.#options;
    const ofAddress = (this.#byAddress.get(address) ?? 0) + 1;
    if (this.#events >= eventsPerSecondMax) return false;
    if (ofAddress > Math.max(1, eventsPerSecondMax * shareOfAddress)) return false;
    this.#events++;
    this.#byAddress.set(address, ofAddress);
    return true;
  }

  #tellHeldBack(): void {
    const count = this.#heldBack;
    this.#heldBack = 0;
    if (count > 0 && !this.#isClosed) this.#add({ event: 'held back', count });
  }

  #add(fields: object): void {
    this.#lines.push(this.#line(fields));
    if (this.#isDue) return;
    this.#isDue = true;
    this.#io.clock.nextTurn(() => {
      this.#isDue = false;
      if (!this.#isClosed) this.#write();
    });
  }

  #line(fields: object): string {
    const time = new Date(this.#io.clock.now()).toISOString();
    return printable(JSON.stringify({ time, broker: this.#options.nodeId, ...fields }));
  }

  #write(): void {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length === 0) return;
    for (const each of this.#sinks) this.#writeTo(each, lines);
  }

  #writeTo(each: Sink, lines: readonly string[]): void {
    const { sink, lost } = each;
    const told = lost === 0 ? [] : [this.#line({ event: 'lost', count: lost })];
    try {
      sink.write([...told, ...lines]);
      each.lost = 0;
    } catch (error) {
      if (!(error instanceof IoError || error instanceof KafkaError)) throw error;
      each.lost += lines.length;
      const remedy = 'clients are served, and what is lost is counted there';
      const { message } = error;
      this.#outages.error(
        `${sink.name} lacks ${each.lost} events of the audit trail: ${message}; ${remedy}`,
      );
    }
  }
}
