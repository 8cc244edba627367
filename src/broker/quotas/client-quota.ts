// One kind of quota (bytes produced, bytes consumed, time of the event loop): measures each client
// and says how long it must rest. Limits may change at any time; what was measured stays.

import type { QuotaImage } from '../../metadata/index.ts';
import { type ClientIdentity, QuotaTable } from './quota-table.ts';
import { SampledRate, type WindowOptions } from './sampled-rate.ts';
import { Sensors } from './sensors.ts';

export interface ClientQuotaOptions extends WindowOptions {
  /** The name of the quota, such as producer_byte_rate. */
  readonly key: string;
  /** The longest rest; default unlimited. */
  readonly throttleMsMax?: number;
}

export class ClientQuota {
  readonly #options: ClientQuotaOptions;
  readonly #sensors: Sensors<SampledRate>;
  #table: QuotaTable | null = null;

  constructor(options: ClientQuotaOptions) {
    this.#options = options;
    this.#sensors = new Sensors(() => new SampledRate(options));
  }

  /** False when nobody has such a quota: there is nothing to measure. */
  get isActive(): boolean {
    return this.#table !== null;
  }

  get sensorCount(): number {
    return this.#sensors.count;
  }

  configure(quotas: Iterable<QuotaImage>): void {
    this.#table = QuotaTable.of(quotas, this.#options.key);
    if (this.#table === null) this.#sensors.clear();
  }

  /** Counts the value and returns how long the client must rest, in ms; 0 within its quota. */
  record(client: ClientIdentity, value: number, nowMs: number): number {
    const limit = this.#table?.limitOf(client);
    if (limit === null || limit === undefined) return 0;
    const rate = this.#sensors.get(limit.sensorKey, nowMs);
    rate.record(value, nowMs);
    const throttleMs = rate.throttleMs(limit.perSecond, nowMs);
    return Math.min(throttleMs, this.#options.throttleMsMax ?? throttleMsLimit);
  }

  /** Takes back a value that was counted and then not used. */
  unrecord(client: ClientIdentity, value: number, nowMs: number): void {
    const limit = this.#table?.limitOf(client);
    if (limit) this.#sensors.get(limit.sensorKey, nowMs).record(-value, nowMs);
  }

  /** The most that fits into a window without the last sample; Infinity without a limit. */
  windowMax(client: ClientIdentity): number {
    const limit = this.#table?.limitOf(client);
    if (!limit) return Number.POSITIVE_INFINITY;
    const { samples, sampleMs } = this.#options;
    return (limit.perSecond * (samples - 1) * sampleMs) / 1000;
  }
}

/** The field of the answers is an int32, and no timer is longer. */
const throttleMsLimit = 2 ** 31 - 1;
