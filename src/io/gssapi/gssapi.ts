// Kerberos as the system has it (GSSAPI, RFC 2744, RFC 4121), no more of it than SASL needs: what a
// service and a client of it hold, and what they say to each other.
//
// Invariant: whoever got keys, tickets or a context releases them; what is released twice, or while
// a call is under way, is released once, and behind that call.

/** Where a service has its keys. */
export interface KeySource {
  /** null: the keytab of krb5.conf. */
  readonly keyTab: string | null;
  /** Whose keys; null: of whoever is in the keytab. */
  readonly principal: string | null;
}

/** Where a client has its tickets, or the keys to get some. */
export type TicketSource =
  | {
      readonly kind: 'keytab';
      /** null: the keytab of krb5.conf. */
      readonly keyTab: string | null;
      readonly principal: string;
    }
  | {
      readonly kind: 'cache';
      /** null: the cache of the environment (KRB5CCNAME), or the user's. */
      readonly path: string | null;
      /** null: whoever the cache is of. */
      readonly principal: string | null;
    };

export interface Gssapi {
  /** Of krb5.conf; null: it names none. */
  defaultRealm(): string | null;
  /** Opens keys, without the network. @throws GssError: there are none */
  openKeys(source: KeySource): GssKeys;
  /** Asks a KDC where there is no ticket yet. Rejects with GssError. */
  getTickets(source: TicketSource): Promise<GssTickets>;
  /** Has the tickets of a cache renewed by `kinit -R`. Rejects with an Error that says why not. */
  renewCache(kinit: string, path: string | null): Promise<void>;
}

export interface GssKeys {
  /** The service's side of a context; a token costs no network. */
  accept(): GssContext<GssStep>;
  release(): void;
}

export interface GssTickets {
  /** For how long from now, in ms. */
  readonly lifetimeMs: number;
  /** The client's side of a context with a service of a host. A token may ask a KDC. */
  initiate(service: string, host: string): GssContext<Promise<GssStep>>;
  release(): void;
}

export interface GssStep {
  /** For the other side; it may be empty. */
  readonly token: Buffer;
  /** Who is there, and for how long from now, in ms; null: it takes another token to say so. */
  readonly peer: { readonly name: string; readonly lifetimeMs: number } | null;
}

export interface GssContext<Step extends GssStep | Promise<GssStep>> {
  /** @throws GssError: the context cannot be made */
  next(token: Buffer): Step;
  /** Signs a message, and does not encrypt it. @throws GssError */
  wrap(message: Buffer): Buffer;
  /** The message of what the other side has signed. @throws GssError: it has not */
  unwrap(token: Buffer): Buffer;
  release(): void;
}

/** `no answer`: no KDC could be reached, now; `refused`: it was no. */
export type GssErrorKind = 'refused' | 'no answer';

/** What Kerberos says of a call that failed. It holds no key and no part of a token. */
export class GssError extends Error {
  readonly kind: GssErrorKind;

  constructor(message: string, kind: GssErrorKind = 'refused') {
    super(message);
    this.name = 'GssError';
    this.kind = kind;
  }
}
