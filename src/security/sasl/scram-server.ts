// SCRAM as the server has it (RFC 5802, RFC 7677): the client proves that it knows the password,
// and the server that it knows what was made of it.
//
// Invariant: a user or a delegation token (KIP-48) that nobody knows goes the same way as one that
// is known, with a salt that is the same each time and on every broker; which of the two it was is
// told to nobody.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { userPrincipal } from '../principal.ts';
import { SaslError, type SaslIdentity, type SaslServer, type SaslStep } from './sasl-exchange.ts';
import { hmac, type ScramKeys, type ScramMechanism, storedKeyOf, xor } from './scram-keys.ts';
import { type ClientFirst, parseClientFinal, parseClientFirst } from './scram-messages.ts';
import type { TokenLogins } from './token-logins.ts';

export interface ScramCredential extends ScramKeys {
  readonly salt: Buffer;
  readonly iterations: number;
}

export interface ScramServerOptions {
  readonly mechanism: ScramMechanism;
  /** undefined: nobody knows the user. */
  readonly credentialOf: (user: string) => ScramCredential | undefined;
  /** null: there are no delegation tokens. */
  readonly tokens: TokenLogins | null;
  /** What the salts of tokens and of unknown users are made from: one for the cluster. */
  readonly saltSecret: string;
  /** Ours, printable and without a comma; 128 bits or more. */
  readonly nonce: string;
}

interface Begun {
  readonly first: ClientFirst;
  readonly credential: ScramCredential;
  /** null: nobody knows who the client says to be. */
  readonly identity: SaslIdentity | null;
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
  // Nothing here binds to channels, and no mechanism that does (-PLUS) is offered.
  if (first.flag.startsWith('p')) throw new SaslError('channel binding is not offered');
  if (first.authorizationId !== '' && first.authorizationId !== first.user) {
    const why = 'Client requested an authorization id that is different from username';
    throw new SaslError(why, `Authentication failed: ${why}`);
  }
  // The name of a delegation token is no name of a user.
  const isToken = first.extensions.get('tokenauth')?.toLowerCase() === 'true';
  const { credential, identity } = isToken
    ? tokenLogin(first.user, options)
    : userLogin(first.user, options);
  const nonce = first.nonce + options.nonce;
  const salt = credential.salt.toString('base64');
  const serverFirst = `r=${nonce},s=${salt},i=${credential.iterations}`;
  return { first, credential, identity, nonce, serverFirst };
}

function finish(token: Buffer, begun: Begun, mechanism: ScramMechanism): SaslStep {
  const { first, credential, identity, nonce, serverFirst } = begun;
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
  if (!isProven || identity === null) throw new SaslError('Invalid client credentials');
  const verifier = hmac(mechanism, credential.serverKey, signed).toString('base64');
  return { token: Buffer.from(`v=${verifier}`), identity };
}

type Login = Pick<Begun, 'credential' | 'identity'>;

function userLogin(user: string, options: ScramServerOptions): Login {
  const known = options.credentialOf(user);
  if (known === undefined || known.iterations < options.mechanism.iterationsMin) {
    return { credential: madeUpCredential(user, options), identity: null };
  }
  return { credential: known, identity: { principal: userPrincipal(user), expiresAtMs: null } };
}

/** The salt is made from the id whether there is the token or not. */
function tokenLogin(tokenId: string, options: ScramServerOptions): Login {
  const { tokens, mechanism } = options;
  const madeUp = madeUpCredential(`tokenauth ${tokenId}`, options);
  const identity = tokens?.identityOf(tokenId) ?? null;
  if (tokens === null || identity === null) return { credential: madeUp, identity: null };
  const keys = tokens.keysOf(tokenId, mechanism, madeUp.salt);
  return { credential: { ...madeUp, ...keys }, identity };
}

/** What our own tools make: 16 bytes of salt, and Kafka's default of iterations. */
function madeUpCredential(user: string, options: ScramServerOptions): ScramCredential {
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
