// What is measured of each client, by the key under which clients share a limit. A sensor that
// nobody used for an hour is dropped, as in Kafka: client ids come and go.

const expiryMs = 3_600_000;
const sweepMs = 60_000;

export class Sensors<T> {
  readonly #make: (key: string, nowMs: number) => T;
  readonly #sensors = new Map<string, { readonly sensor: T; usedMs: number }>();
  #sweptMs = 0;

  constructor(make: (key: string, nowMs: number) => T) {
    this.#make = make;
  }

  get count(): number {
    return this.#sensors.size;
  }

  get(key: string, nowMs: number): T {
    if (nowMs - this.#sweptMs >= sweepMs) this.#sweep(nowMs);
    let one = this.#sensors.get(key);
    if (one === undefined) {
      one = { sensor: this.#make(key, nowMs), usedMs: nowMs };
      this.#sensors.set(key, one);
    }
    one.usedMs = nowMs;
    return one.sensor;
  }

  clear(): void {
    this.#sensors.clear();
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    for (const [key, { usedMs }] of this.#sensors) {
      if (nowMs - usedMs >= expiryMs) this.#sensors.delete(key);
    }
  }
}
