// Kerberos without a KDC: tickets are text that says whose they are, signatures are a word in front
// of what is signed. It counts what is held, so that a test sees what was not given back.

import {
  type Gssapi,
  type GssContext,
  GssError,
  type GssErrorKind,
  type GssKeys,
  type GssStep,
  type GssTickets,
  type KeySource,
  type TicketSource,
} from '../../../src/io/gssapi/index.ts';

const signed = 'signed:';
export const wrapped = (message: Buffer): Buffer => Buffer.concat([Buffer.from(signed), message]);

function unwrapped(token: Buffer): Buffer {
  if (!token.toString('latin1').startsWith(signed)) throw new GssError('the signature is wrong');
  return token.subarray(signed.length);
}

export class FakeGssapi implements Gssapi {
  /** Contexts, keys and tickets that were not given back. */
  held = 0;
  lifetimeMs = 3_600_000;
  /** Where tickets were got, in their order; a cache that kinit was asked to renew is `renew`. */
  readonly got: string[] = [];
  /** Without an answer the service proves nothing, and the exchange is shorter. */
  hasMutual = true;
  #refusals: GssError[] = [];

  defaultRealm(): string | null {
    return 'EXAMPLE.COM';
  }

  /** The next calls for tickets fail. */
  refuseTickets(times: number, kind: GssErrorKind = 'no answer'): void {
    for (let i = 0; i < times; i++) this.#refusals.push(new GssError('cannot be', kind));
  }

  openKeys({ keyTab }: KeySource): GssKeys {
    if (keyTab === '/gone') throw new GssError("Key table file '/gone' not found");
    return {
      accept: () => this.#context((token): GssStep => this.#accepted(token)),
      ...this.#holding(),
    };
  }

  async getTickets(source: TicketSource): Promise<GssTickets> {
    const who = source.principal ?? 'cached@EXAMPLE.COM';
    this.got.push(`${source.kind} ${who}`);
    await Promise.resolve();
    const refusal = this.#refusals.shift();
    if (refusal !== undefined) throw refusal;
    return {
      lifetimeMs: this.lifetimeMs,
      initiate: (service, host) => {
        let calls = 0;
        return this.#context(async (token): Promise<GssStep> => {
          const peer = { name: `${service}@${host}`, lifetimeMs: this.lifetimeMs };
          const isFirst = calls++ === 0;
          if (isFirst && host === 'unknown') throw new GssError('Server not found', 'refused');
          if (isFirst) {
            const ticket = Buffer.from(`ticket:${who}:${service}/${host}`);
            return { token: ticket, peer: this.hasMutual ? null : peer };
          }
          if (token.toString() !== 'proof') throw new GssError('it is not the service');
          return { token: Buffer.alloc(0), peer };
        });
      },
      ...this.#holding(),
    };
  }

  async renewCache(): Promise<void> {
    this.got.push('renew');
    await Promise.resolve();
    throw new Error('not renewable');
  }

  #accepted(token: Buffer): GssStep {
    const [kind, name = ''] = token.toString().split(':');
    if (kind === 'more') return { token: Buffer.from('go on'), peer: null };
    if (kind !== 'ticket') throw new GssError('Invalid token was supplied');
    const peer = { name, lifetimeMs: this.lifetimeMs };
    return { token: Buffer.from(this.hasMutual ? 'proof' : ''), peer };
  }

  #context<Step extends GssStep | Promise<GssStep>>(
    next: (token: Buffer) => Step,
  ): GssContext<Step> {
    return { next, wrap: wrapped, unwrap: unwrapped, ...this.#holding() };
  }

  #holding(): { release(): void } {
    let isHeld = true;
    this.held++;
    return {
      release: () => {
        if (isHeld) this.held--;
        isHeld = false;
      },
    };
  }
}
