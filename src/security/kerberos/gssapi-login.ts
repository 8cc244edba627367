// GSSAPI as the client has it (RFC 4752): a ticket for the broker's service, the proof that it is
// that service, then the choice of no layer.
//
// Invariants: nothing is signed for a server that has not proven who it is; the context is released
// when the exchange ends, however that is.

import { type GssContext, GssError, type GssStep } from '../../io/gssapi/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { SaslError, type SaslExchange, type SaslLogin } from '../sasl/sasl-exchange.ts';
import { assertOffersNoLayer, layerChosen } from './gssapi-messages.ts';
import type { TicketRenewal } from './ticket-renewal.ts';

/** @param service of the brokers: the part in front of the host in their principals */
export function gssapiLogin(tickets: TicketRenewal, service: string): SaslLogin {
  return { mechanism: 'GSSAPI', start: (host) => new GssapiExchange(tickets, service, host) };
}

/** Tickets with a list of a user's groups take tens of kilobytes. */
const tokenBytesMax = 128 * 1024;

type Context = GssContext<Promise<GssStep>>;

class GssapiExchange implements SaslExchange {
  readonly #tickets: TicketRenewal;
  readonly #service: string;
  readonly #host: string;
  #context: Context | null = null;
  #state: 'context' | 'offer' | 'over' = 'context';
  #isReleased = false;

  constructor(tickets: TicketRenewal, service: string, host: string) {
    this.#tickets = tickets;
    this.#service = service;
    this.#host = host;
  }

  async next(challenge: Buffer | null): Promise<Buffer | null> {
    if (challenge !== null && challenge.length > tokenBytesMax) {
      throw new SaslError(`the server sent a token of ${challenge.length} bytes`);
    }
    if (this.#state === 'over') return null;
    try {
      return await this.#next(challenge ?? Buffer.alloc(0));
    } catch (error) {
      if (!(error instanceof GssError)) throw error;
      const what = this.#context === null ? 'no tickets' : `${this.#service}@${this.#host}`;
      const message = `GSSAPI: ${what}: ${error.message}`;
      // A KDC that does not answer now may do so in a moment.
      if (error.kind === 'no answer') throw new KafkaError('NETWORK_EXCEPTION', message);
      throw new SaslError(message);
    }
  }

  release(): void {
    this.#isReleased = true;
    this.#context?.release();
  }

  async #next(challenge: Buffer): Promise<Buffer> {
    if (this.#context === null) {
      const tickets = await this.#tickets.get();
      if (this.#isReleased) throw new SaslError('GSSAPI: the connection is gone');
      this.#context = tickets.initiate(this.#service, this.#host);
    }
    if (this.#state === 'context') {
      const { token, peer } = await this.#context.next(challenge);
      if (peer !== null) this.#state = 'offer';
      return token;
    }
    assertOffersNoLayer(this.#context.unwrap(challenge));
    this.#state = 'over';
    return this.#context.wrap(layerChosen);
  }
}
