// New connections per second: of the whole broker and of one listener
// (max.connection.creation.rate), which makes them wait, and of one address
// (connection_creation_rate, KIP-612), which closes those beyond it after a while, so that a client
// that reconnects at once gains nothing.

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
  /** listener.name.NAME.max.connection.creation.rate, where it is set. */
  #listenerLimits: ReadonlyMap<string, number> = new Map();
  readonly #byListener = new Map<string, SampledRate>();
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

  /** `byListener` holds the listeners that have a limit of their own beside the broker's. */
  configureBroker(creationRateMax: number, byListener: ReadonlyMap<string, number>): void {
    this.#brokerLimit = creationRateMax;
    this.#listenerLimits = byListener;
  }

  acceptDelayMs(listenerName: string): number {
    const nowMs = this.#now();
    let delayMs = 0;
    if (this.#brokerLimit !== unlimited) {
      this.#broker.record(1, nowMs);
      delayMs = this.#broker.throttleMs(this.#brokerLimit, nowMs);
    }
    const limit = this.#listenerLimits.get(listenerName);
    if (limit !== undefined) {
      const rate = this.#rateOf(listenerName);
      rate.record(1, nowMs);
      delayMs = Math.max(delayMs, rate.throttleMs(limit, nowMs));
    }
    return this.#bounded(delayMs);
  }

  #rateOf(listenerName: string): SampledRate {
    let rate = this.#byListener.get(listenerName);
    if (rate === undefined) {
      rate = new SampledRate(this.#window);
      this.#byListener.set(listenerName, rate);
    }
    return rate;
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
