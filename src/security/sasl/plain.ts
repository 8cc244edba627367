// PLAIN (RFC 4616): the client says its name and its password in one token.
//
// Invariant: an unknown user is answered like a wrong password, after the same work.

import { userPrincipal } from '../principal.ts';
import { isSameSecret } from './same-secret.ts';
import { noToken, SaslError, type SaslLogin, type SaslServer } from './sasl-exchange.ts';

/** The options of Kafka's PlainLoginModule: user_NAME="password". */
export const plainUserPrefix = 'user_';

/** @param passwordOf of a user; null for one that nobody knows */
export function plainServer(passwordOf: (user: string) => string | null): SaslServer {
  return {
    next(token) {
      const { authorizationId, user, password } = parsePlain(token);
      const known = passwordOf(user);
      const isRight = isSameSecret(password, known ?? '');
      if (known === null || !isRight) failed('Invalid username or password');
      if (authorizationId !== '' && authorizationId !== user) {
        failed('Client requested an authorization id that is different from username');
      }
      return { token: noToken, identity: { principal: userPrincipal(user), expiresAtMs: null } };
    },
  };
}

function parsePlain(token: Buffer): { authorizationId: string; user: string; password: string } {
  const parts = token.toString('utf8').split('\0');
  const [authorizationId = '', user = '', password = ''] = parts;
  if (parts.length !== 3) {
    const message = `Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length}`;
    throw new SaslError(message, message);
  }
  if (user === '') failed('username not specified');
  if (password === '') failed('password not specified');
  return { authorizationId, user, password };
}

function failed(why: string): never {
  const message = `Authentication failed: ${why}`;
  throw new SaslError(message, message);
}

export function plainLogin(username: string, password: string): SaslLogin {
  return {
    mechanism: 'PLAIN',
    start: () => ({
      next: (challenge) => {
        if (challenge !== null) return null;
        return Buffer.from(`\0${username}\0${password}`, 'utf8');
      },
    }),
  };
}
