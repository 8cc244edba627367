// GSSAPI as the server has it (RFC 4752): a ticket of the client, perhaps an answer that proves who
// we are, then the choice of a layer.
//
// Invariants: nobody is somebody before the client has signed its choice; the context is released
// when the exchange ends, however that is; what a client says costs no network.

import { type GssContext, GssError, type GssKeys, type GssStep } from '../../io/gssapi/index.ts';
import type { Clock } from '../../io/index.ts';
import { userPrincipal } from '../principal.ts';
import { noToken, SaslError, type SaslServer, type SaslStep } from '../sasl/sasl-exchange.ts';
import { authorizationIdOf, layersOffered } from './gssapi-messages.ts';
import type { LocalNames } from './local-names.ts';

export interface GssapiServerOptions {
  readonly clock: Clock;
  readonly keys: GssKeys;
  readonly localNames: LocalNames;
  /** Sessions end, and so no later than the ticket. */
  readonly endsWithTicket: boolean;
}

export function gssapiServer(options: GssapiServerOptions): SaslServer {
  return new GssapiServer(options);
}

type Peer = NonNullable<GssStep['peer']>;

class GssapiServer implements SaslServer {
  readonly #options: GssapiServerOptions;
  readonly #context: GssContext<GssStep>;
  #peer: Peer | null = null;
  /** Our last token of the context is to be acknowledged, by an empty one. */
  #isToAcknowledge = false;

  constructor(options: GssapiServerOptions) {
    this.#options = options;
    this.#context = options.keys.accept();
  }

  next(token: Buffer): SaslStep {
    try {
      const step = this.#next(token);
      if (step.identity !== null) this.release();
      return step;
    } catch (error) {
      this.release();
      if (!(error instanceof GssError)) throw error;
      throw new SaslError(error.message);
    }
  }

  release(): void {
    this.#context.release();
  }

  #next(token: Buffer): SaslStep {
    const peer = this.#peer;
    if (peer === null) return this.#onContextToken(token);
    if (this.#isToAcknowledge) {
      if (token.length > 0) throw new SaslError('a token behind the last of the context');
      return this.#offer();
    }
    const identity = this.#identityOf(peer, this.#context.unwrap(token));
    return { token: noToken, isWithoutToken: true, identity };
  }

  #onContextToken(token: Buffer): SaslStep {
    const step = this.#context.next(token);
    // More is wanted of a style of Microsoft's, and behind what is no ticket.
    if (step.peer === null) throw new SaslError('its first token is not enough to know who it is');
    this.#peer = step.peer;
    if (step.token.length === 0) return this.#offer();
    this.#isToAcknowledge = true;
    return { token: step.token, identity: null };
  }

  #offer(): SaslStep {
    this.#isToAcknowledge = false;
    return { token: this.#context.wrap(layersOffered), identity: null };
  }

  /**
   * Who the ticket is of, whoever it wants to be: as with Kafka the name that the client gives is
   * read and not followed, since clients put various things there.
   */
  #identityOf(peer: Peer, choice: Buffer): NonNullable<SaslStep['identity']> {
    authorizationIdOf(choice);
    const { clock, localNames, endsWithTicket } = this.#options;
    const name = localNames(peer.name);
    const ends = endsWithTicket && peer.lifetimeMs !== Number.POSITIVE_INFINITY;
    const expiresAtMs = ends ? clock.now() + peer.lifetimeMs : null;
    return { principal: userPrincipal(name), expiresAtMs };
  }
}
