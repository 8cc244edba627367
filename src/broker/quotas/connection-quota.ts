// New connections per second: of the whole broker (max.connection.creation.rate), which makes them
// wait, and of one address (connection_creation_rate, KIP-612), which closes those beyond it after
// a while, so that a client that reconnects at once gains nothing.

import type { QuotaImage } from '../../metadata/index.ts';
import type { ConnectionPace } from '../../network/index.ts';
import { SampledRate, type WindowOptions } from './sampled-rate.ts';
import { Sensors } from './sensors.ts';

const ipKey = 'connection_creation_rate';
/** What the configuration's default says: no limit. */
const unlimited = 2 ** 31 - 1;

export class ConnectionQuota implements ConnectionPace {
  readonly #window: WindowOptions;
  readonly #now: () => number;
  readonly #broker: SampledRate;
  readonly #byIp: Sensors<SampledRate>;
  #brokerLimit = unlimited;
  #limits: ReadonlyMap<string | null, number> = new Map();

  constructor(window: WindowOptions, now: () => number) {
    this.#window = window;
    this.#now = now;
    this.#broker = new SampledRate(window);
    this.#byIp = new Sensors(() => new SampledRate(window));
  }

  configure(quotas: Iterable<QuotaImage>): void {
    const limits = new Map<string | null, number>();
    for (const { entity, values } of quotas) {
      const limit = values.get(ipKey);
      const { ip } = entity;
      if (limit !== undefined && ip !== undefined) limits.set(ip, limit);
    }
    this.#limits = limits;
    if (limits.size === 0) this.#byIp.clear();
  }

  configureBroker(creationRateMax: number): void {
    this.#brokerLimit = creationRateMax;
  }

  acceptDelayMs(): number {
    if (this.#brokerLimit === unlimited) return 0;
    const nowMs = this.#now();
    this.#broker.record(1, nowMs);
    return this.#bounded(this.#broker.throttleMs(this.#brokerLimit, nowMs));
  }

  refusalDelayMs(ip: string): number {
    if (this.#limits.size === 0) return 0;
    const limit = this.#limits.get(ip) ?? this.#limits.get(null);
    if (limit === undefined) return 0;
    const nowMs = this.#now();
    const rate = this.#byIp.get(ip, nowMs);
    rate.record(1, nowMs);
    const throttleMs = this.#bounded(rate.throttleMs(limit, nowMs));
    // It is not served, so it does not count.
    if (throttleMs > 0) rate.record(-1, nowMs);
    return throttleMs;
  }

  #bounded(throttleMs: number): number {
    return Math.min(throttleMs, this.#window.sampleMs);
  }
}
