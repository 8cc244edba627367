// A client as the handlers see it: who is connected, by which address it reached us, and the means
// to undo what waits for it when it goes.
//
// Invariant: `whenGone` callbacks run at most once, when the connection closes.

import type { Clock } from '../io/index.ts';
import type { Exchange, ServerConnection } from '../network/index.ts';
import { aclHost, type Requester } from '../security/acl/index.ts';
import { anonymous, type Principal, principalText } from '../security/index.ts';

/** What stands in front of the handlers while a client has to prove who it is. */
export interface Gate {
  /** False: the frame is a request for the handlers. */
  takes(frame: Buffer, exchange: Exchange): boolean;
}

export class Client {
  readonly connection: ServerConnection;
  /** null: every request is one for the handlers. */
  gate: Gate | null = null;
  /** From ApiVersions v3+ (KIP-511); null for older clients. */
  softwareName: string | null = null;
  softwareVersion: string | null = null;
  readonly #whenGone = new Set<() => void>();
  #principal = anonymous;
  #requester: Requester | null = null;

  constructor(connection: ServerConnection) {
    this.connection = connection;
  }

  /** Whose rights and quotas it has. */
  get principal(): Principal {
    return this.#principal;
  }

  set principal(principal: Principal) {
    this.#principal = principal;
    this.#requester = null;
  }

  /** Its principal and its address as ACLs have them, made once and not for each request. */
  get requester(): Requester {
    this.#requester ??= {
      principal: principalText(this.#principal),
      host: aclHost(this.connection.remoteHost),
    };
    return this.#requester;
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
