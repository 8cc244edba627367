// SCRAM as the server has it (RFC 5802, RFC 7677): the client proves that it knows the password,
// and the server that it knows what was made of it.
//
// Invariant: a user whom nobody knows goes the same way as one who is known, with a salt that is
// the same each time and on every broker; which of the two it was is told to nobody.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { userPrincipal } from '../principal.ts';
import { SaslError, type SaslServer, type SaslStep } from './sasl-exchange.ts';
import { hmac, type ScramKeys, type ScramMechanism, storedKeyOf, xor } from './scram-keys.ts';
import { type ClientFirst, parseClientFinal, parseClientFirst } from './scram-messages.ts';

export interface ScramCredential extends ScramKeys {
  readonly salt: Buffer;
  readonly iterations: number;
}

export interface ScramServerOptions {
  readonly mechanism: ScramMechanism;
  /** undefined: nobody knows the user. */
  readonly credentialOf: (user: string) => ScramCredential | undefined;
  /** What the salts of unknown users are made from: one for the cluster. */
  readonly saltSecret: string;
  /** Ours, printable and without a comma; 128 bits or more. */
  readonly nonce: string;
}

interface Begun {
  readonly first: ClientFirst;
  readonly credential: ScramCredential;
  readonly isKnown: boolean;
  readonly nonce: string;
  readonly serverFirst: string;
}

export function scramServer(options: ScramServerOptions): SaslServer {
  let begun: Begun | null = null;
  let isOver = false;
  return {
    next(token): SaslStep {
      if (isOver) throw new SaslError('the exchange is over');
      if (begun === null) {
        begun = begin(parseClientFirst(token), options);
        return { token: Buffer.from(begun.serverFirst), identity: null };
      }
      isOver = true;
      return finish(token, begun, options.mechanism);
    },
  };
}

function begin(first: ClientFirst, options: ScramServerOptions): Begun {
  const { mechanism } = options;
  // Nothing here binds to channels, and no mechanism that does (-PLUS) is offered.
  if (first.flag.startsWith('p')) throw new SaslError('channel binding is not offered');
  if (first.authorizationId !== '' && first.authorizationId !== first.user) {
    const why = 'Client requested an authorization id that is different from username';
    throw new SaslError(why, `Authentication failed: ${why}`);
  }
  // The name of a delegation token (KIP-48) is no name of a user.
  const isToken = first.extensions.get('tokenauth')?.toLowerCase() === 'true';
  const known = isToken ? undefined : options.credentialOf(first.user);
  const isKnown = known !== undefined && known.iterations >= mechanism.iterationsMin;
  const credential = isKnown ? known : unknownCredential(first.user, options);
  const nonce = first.nonce + options.nonce;
  const salt = credential.salt.toString('base64');
  const serverFirst = `r=${nonce},s=${salt},i=${credential.iterations}`;
  return { first, credential, isKnown, nonce, serverFirst };
}

function finish(token: Buffer, begun: Begun, mechanism: ScramMechanism): SaslStep {
  const { first, credential, isKnown, nonce, serverFirst } = begun;
  const final = parseClientFinal(token);
  // All of it: one that merely ends in ours would let the exchange of another be gone on with.
  if (final.nonce !== nonce)
    throw new SaslError('Invalid client nonce in the final client message');
  if (Buffer.from(final.binding, 'base64').toString('utf8') !== first.gs2) {
    throw new SaslError('Invalid channel binding in the final client message');
  }
  const signed = `${first.bare},${serverFirst},${final.unproven}`;
  const signature = hmac(mechanism, credential.storedKey, signed);
  if (final.proof.length !== signature.length) throw new SaslError('Invalid client credentials');
  const storedKey = storedKeyOf(mechanism, xor(final.proof, signature));
  const isProven = timingSafeEqual(storedKey, credential.storedKey);
  if (!isProven || !isKnown) throw new SaslError('Invalid client credentials');
  const verifier = hmac(mechanism, credential.serverKey, signed).toString('base64');
  const principal = userPrincipal(first.user);
  return { token: Buffer.from(`v=${verifier}`), identity: { principal, expiresAtMs: null } };
}

/** What our own tools make: 16 bytes of salt, and Kafka's default of iterations. */
function unknownCredential(user: string, options: ScramServerOptions): ScramCredential {
  const { mechanism, saltSecret } = options;
  const made = (what: string, hash: string): Buffer =>
    createHmac(hash, saltSecret).update(`${what} ${mechanism.name} ${user}`).digest();
  return {
    salt: made('salt', 'sha256').subarray(0, 16),
    iterations: mechanism.iterationsMin,
    storedKey: made('stored key', mechanism.hash),
    serverKey: made('server key', mechanism.hash),
  };
}
