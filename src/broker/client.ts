// A client as the handlers see it: who is connected, by which address it reached us, and the means
// to undo what waits for it when it goes.
//
// Invariant: `whenGone` callbacks run at most once, when the connection closes.

import type { Clock } from '../io/index.ts';
import type { Exchange, ServerConnection } from '../network/index.ts';
import { anonymous, type Principal } from '../security/index.ts';

/** What stands in front of the handlers while a client has to prove who it is. */
export interface Gate {
  /** False: the frame is a request for the handlers. */
  takes(frame: Buffer, exchange: Exchange): boolean;
}

export class Client {
  readonly connection: ServerConnection;
  /** Whose rights and quotas it has. */
  principal: Principal = anonymous;
  /** null: every request is one for the handlers. */
  gate: Gate | null = null;
  /** From ApiVersions v3+ (KIP-511); null for older clients. */
  softwareName: string | null = null;
  softwareVersion: string | null = null;
  readonly #whenGone = new Set<() => void>();

  constructor(connection: ServerConnection) {
    this.connection = connection;
  }

  /** Registers what must not outlive the connection; call the result when it is over before. */
  whenGone(callback: () => void): () => void {
    this.#whenGone.add(callback);
    return () => this.#whenGone.delete(callback);
  }

  /** Takes no requests for a while; several rests overlap. */
  rest(clock: Clock, durationMs: number): void {
    this.connection.mute();
    const forget = this.whenGone(() => timer.cancel());
    const timer = clock.after(durationMs, () => {
      forget();
      this.connection.unmute();
    });
  }

  onClose(): void {
    for (const callback of this.#whenGone) callback();
    this.#whenGone.clear();
  }
}
