// Sends heartbeats in the background, one at a time: after the interval, or after the retry pause
// if the last one failed.

import type { Clock, Timer } from '../../../io/index.ts';
import { LoopBlocks } from '../loop-blocks.ts';

export interface HeartbeatTimes {
  readonly intervalMs: number;
  readonly retryMs: number;
  readonly sessionTimeoutMs: number;
}

export class Heartbeats {
  /** False: it did not reach the coordinator. */
  send: () => Promise<boolean> = async () => true;
  /** No heartbeat got through for a whole session timeout. */
  onExpired: () => void = () => {};
  readonly blocks: LoopBlocks;
  readonly #clock: Clock;
  readonly #times: HeartbeatTimes;
  #timer: Timer | null = null;
  /** Changes with every start and stop, so that an answer from before is recognised. */
  #run = 0;
  #isRunning = false;
  #succeededMs = 0;

  constructor(clock: Clock, times: HeartbeatTimes) {
    this.#clock = clock;
    this.blocks = new LoopBlocks(clock);
    this.#times = times;
  }

  start(): void {
    this.stop();
    this.#isRunning = true;
    this.#succeededMs = this.#clock.monotonic();
    this.#schedule(this.#times.intervalMs);
  }

  stop(): void {
    this.#run++;
    this.#isRunning = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #schedule(delayMs: number): void {
    const run = this.#run;
    this.#timer = this.blocks.after(delayMs, () => void this.#beat(run));
  }

  async #beat(run: number): Promise<void> {
    const sentMs = this.#clock.monotonic();
    const hasArrived = await this.send();
    if (run !== this.#run || !this.#isRunning) return;
    if (hasArrived) this.#succeededMs = sentMs;
    this.blocks.onAnswer(this.#clock.monotonic() - sentMs, this.#times.sessionTimeoutMs);
    if (hasArrived) this.blocks.onAlive();
    const silentMs = this.#clock.monotonic() - this.#succeededMs;
    if (silentMs > this.#times.sessionTimeoutMs) this.onExpired();
    this.#schedule(hasArrived ? this.#times.intervalMs : this.#times.retryMs);
  }
}
