// SCRAM as the client has it. The password does not leave this file.
//
// Invariants: a server is believed only when it has proven that it knows the user, too; iterations
// are bounded both ways, so that a hostile server gets neither a cheap guess nor our time.

import { timingSafeEqual } from 'node:crypto';
import type { Random } from '../../io/index.ts';
import { SaslError, type SaslExchange, type SaslLogin } from './sasl-exchange.ts';
import { hmac, type ScramMechanism, saltedPassword, storedKeyOf, xor } from './scram-keys.ts';
import { escaped, parseServerFinal, parseServerFirst } from './scram-messages.ts';

/** Kafka keeps none above 16 384; these take a tenth of a second. */
const iterationsMax = 131_072;

interface ScramUser {
  readonly username: string;
  readonly password: string;
  /** Of the first message: `tokenauth=true` for a delegation token. */
  readonly extensions?: string;
}

export function scramLogin(random: Random, mechanism: ScramMechanism, user: ScramUser): SaslLogin {
  const salted = new SaltedPassword(mechanism, user.password);
  return {
    mechanism: mechanism.name,
    start: () => {
      const nonce = random.bytes(24).toString('base64url');
      return new ScramExchange(mechanism, user, { nonce, salted });
    },
  };
}

/** The last one that was made: a user has one salt, and each connection needs it. */
class SaltedPassword {
  readonly #mechanism: ScramMechanism;
  readonly #password: string;
  #key = '';
  #value: Buffer = Buffer.alloc(0);

  constructor(mechanism: ScramMechanism, password: string) {
    this.#mechanism = mechanism;
    this.#password = password;
  }

  of(salt: Buffer, iterations: number): Buffer {
    const key = `${iterations} ${salt.toString('hex')}`;
    if (key === this.#key) return this.#value;
    this.#value = saltedPassword(this.#mechanism, this.#password, { salt, iterations });
    this.#key = key;
    return this.#value;
  }
}

class ScramExchange implements SaslExchange {
  readonly #mechanism: ScramMechanism;
  readonly #bare: string;
  readonly #nonce: string;
  readonly #salted: SaltedPassword;
  #expected: Buffer | null = null;
  #state: 'first' | 'final' | 'verify' | 'over' = 'first';

  constructor(
    mechanism: ScramMechanism,
    { username, extensions }: ScramUser,
    { nonce, salted }: { nonce: string; salted: SaltedPassword },
  ) {
    this.#mechanism = mechanism;
    const more = extensions === undefined ? '' : `,${extensions}`;
    this.#bare = `n=${escaped(username)},r=${nonce}${more}`;
    this.#nonce = nonce;
    this.#salted = salted;
  }

  next(challenge: Buffer | null): Buffer | null {
    const state = this.#state;
    if (state === 'over') throw new SaslError('the server goes on behind the end of SCRAM');
    if (state === 'first') {
      this.#state = 'final';
      return Buffer.from(`n,,${this.#bare}`);
    }
    const token = challenge ?? Buffer.alloc(0);
    if (state === 'final') {
      this.#state = 'verify';
      return this.#finalMessage(token);
    }
    this.#state = 'over';
    this.#verify(token);
    return null;
  }

  #finalMessage(token: Buffer): Buffer {
    const { nonce, salt, iterations } = parseServerFirst(token);
    const { iterationsMin, name } = this.#mechanism;
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new SaslError('Invalid server nonce: it does not go on from ours');
    }
    if (iterations < iterationsMin || iterations > iterationsMax) {
      const range = `${iterationsMin} to ${iterationsMax}`;
      throw new SaslError(`${name} with ${iterations} iterations, taken are ${range}`);
    }
    const salted = this.#salted.of(salt, iterations);
    const clientKey = hmac(this.#mechanism, salted, 'Client Key');
    const unproven = `c=biws,r=${nonce}`;
    const signed = `${this.#bare},${token.toString('utf8')},${unproven}`;
    const storedKey = storedKeyOf(this.#mechanism, clientKey);
    const proof = xor(clientKey, hmac(this.#mechanism, storedKey, signed));
    const serverKey = hmac(this.#mechanism, salted, 'Server Key');
    this.#expected = hmac(this.#mechanism, serverKey, signed);
    return Buffer.from(`${unproven},p=${proof.toString('base64')}`);
  }

  #verify(token: Buffer): void {
    const { error, verifier } = parseServerFinal(token);
    if (error !== null) throw new SaslError(`Sasl authentication using SCRAM failed: ${error}`);
    const expected = this.#expected as Buffer;
    if (verifier.length === expected.length && timingSafeEqual(verifier, expected)) return;
    throw new SaslError('Invalid server signature in server final message');
  }
}
