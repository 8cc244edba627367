// The tickets of one identity, got anew before they end: as Kafka's KerberosLogin, but when a
// connection needs them and not by a thread of its own. Nothing else needs tickets.
//
// Invariants: they are got once for all connections that need them at a time; while there are valid
// ones a renewal that fails costs nobody a connection, and is not tried again for a while.

import {
  type Gssapi,
  GssError,
  type GssTickets,
  type TicketSource,
} from '../../io/gssapi/index.ts';
import type { Clock, Random } from '../../io/index.ts';

export interface RenewalOptions {
  /** sasl.kerberos.ticket.renew.window.factor: the share of their life after which to renew. */
  readonly windowFactor: number;
  /** sasl.kerberos.ticket.renew.jitter: what chance adds to it at most. */
  readonly jitter: number;
  /** sasl.kerberos.min.time.before.relogin */
  readonly restMs: number;
  /** sasl.kerberos.kinit.cmd: what renews a cache. */
  readonly kinit: string;
}

/** Kafka's. */
export const renewalDefaults: RenewalOptions = {
  windowFactor: 0.8,
  jitter: 0.05,
  restMs: 60_000,
  kinit: '/usr/bin/kinit',
};

interface Kept {
  readonly tickets: GssTickets;
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

export class TicketRenewal {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #gssapi: Gssapi;
  readonly #sources: readonly TicketSource[];
  readonly #options: RenewalOptions;
  #kept: Kept | null = null;
  /** The ones before: an exchange may be about to begin with them. */
  #last: GssTickets | null = null;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #getting: Promise<GssTickets> | null = null;

  /** @param sources in the order in which they are tried */
  constructor(
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    gssapi: Gssapi,
    sources: readonly TicketSource[],
    options: RenewalOptions = renewalDefaults,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#gssapi = gssapi;
    this.#sources = sources;
    this.#options = options;
  }

  /** Rejects with GssError if there are none. */
  get(): Promise<GssTickets> {
    const nowMs = this.#clock.monotonic();
    const kept = this.#kept;
    if (kept !== null && nowMs < kept.endsAtMs) {
      const isDue = nowMs >= kept.renewAtMs;
      const hasRested = nowMs - this.#triedAtMs >= this.#options.restMs;
      if (!isDue || !hasRested) return Promise.resolve(kept.tickets);
    }
    this.#getting ??= this.#renew().finally(() => {
      this.#getting = null;
    });
    return this.#getting;
  }

  async #renew(): Promise<GssTickets> {
    this.#triedAtMs = this.#clock.monotonic();
    const before = this.#kept;
    try {
      const tickets = await this.#getFirst(before !== null);
      const { windowFactor, jitter } = this.#options;
      const share = Math.min(1, windowFactor + jitter * this.#random.float());
      const nowMs = this.#clock.monotonic();
      const { lifetimeMs } = tickets;
      this.#kept = {
        tickets,
        renewAtMs: nowMs + lifetimeMs * share,
        endsAtMs: nowMs + lifetimeMs,
      };
      this.#last?.release();
      this.#last = before?.tickets ?? null;
      return tickets;
    } catch (error) {
      if (before !== null && this.#clock.monotonic() < before.endsAtMs) return before.tickets;
      throw error;
    }
  }

  async #getFirst(isRenewal: boolean): Promise<GssTickets> {
    let why: unknown;
    for (const source of this.#sources) {
      try {
        if (isRenewal && source.kind === 'cache') await this.#renewCache(source.path);
        return await this.#gssapi.getTickets(source);
      } catch (error) {
        if (!(error instanceof GssError)) throw error;
        why = new GssError(`${described(source)}: ${error.message}`, error.kind);
      }
    }
    throw why;
  }

  /** Who filled the cache may renew it, too: what comes out of it says whether it is of use. */
  async #renewCache(path: string | null): Promise<void> {
    try {
      await this.#gssapi.renewCache(this.#options.kinit, path);
    } catch {
      // Not renewable, or there is no kinit.
    }
  }
}

function described(source: TicketSource): string {
  if (source.kind === 'keytab') {
    return `${source.principal} with ${source.keyTab ?? 'the keytab of krb5.conf'}`;
  }
  const whose = source.principal === null ? '' : ` of ${source.principal}`;
  return `the ticket cache ${source.path ?? 'of this user'}${whose}`;
}

/** One for each identity, however many clients a process has: their tickets are the same. */
const renewals = new WeakMap<Gssapi, Map<string, TicketRenewal>>();

export function ticketRenewalOf(
  io: { readonly clock: Clock; readonly random: Random },
  gssapi: Gssapi,
  sources: readonly TicketSource[],
  options: RenewalOptions,
): TicketRenewal {
  const known = renewals.get(gssapi) ?? new Map<string, TicketRenewal>();
  renewals.set(gssapi, known);
  const identity = JSON.stringify([sources, options]);
  const renewal = known.get(identity) ?? new TicketRenewal(io, gssapi, sources, options);
  known.set(identity, renewal);
  return renewal;
}
