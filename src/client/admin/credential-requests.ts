// SCRAM credentials of users (KIP-554). A password never leaves the client: what is sent is salted
// and hashed.

import { pbkdf2Sync } from 'node:crypto';
import type { Io } from '../../io/index.ts';
import {
  alterUserScramCredentials,
  describeUserScramCredentials,
  type KafkaError,
} from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import { errorOf } from './admin-results.ts';

/** The protocol's number of each mechanism, and its hash. */
const mechanisms = {
  'SCRAM-SHA-256': { number: 1, hash: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { number: 2, hash: 'sha512', bytes: 64 },
} as const;

export type ScramMechanism = keyof typeof mechanisms;

export interface ScramCredentials {
  readonly user: string;
  readonly error: KafkaError | null;
  readonly credentials: readonly {
    readonly mechanism: ScramMechanism;
    readonly iterations: number;
  }[];
}

export interface ScramAlteration {
  readonly user: string;
  readonly mechanism: ScramMechanism;
  /** null deletes the credential. */
  readonly password: string | null;
  /** Default 4096, the least that brokers take. */
  readonly iterations?: number;
}

export interface ScramResult {
  readonly user: string;
  readonly error: KafkaError | null;
}

/** Requests about the SCRAM credentials of users; it is `admin.credentials`. */
export class CredentialRequests {
  readonly #io: Io;
  readonly #client: Client;

  constructor(io: Io, client: Client) {
    this.#io = io;
    this.#client = client;
  }

  /** The credentials of these users, without the secrets; without names, of all that have some. */
  describe(users: readonly string[] = [], options: CallOptions = {}): Promise<ScramCredentials[]> {
    const body = { users: users.length === 0 ? null : users.map((name) => ({ name })) };
    return this.#client.retry(async ({ timeoutMs }) => {
      const api = describeUserScramCredentials;
      const answer = await this.#client.requestToAny(api, body, { timeoutMs });
      const error = errorOf(answer.errorCode, answer.errorMessage);
      if (error !== null) throw error;
      return answer.results.map(({ user, errorCode, errorMessage, credentialInfos }) => ({
        user,
        error: errorOf(errorCode, errorMessage),
        credentials: credentialInfos.map(({ mechanism, iterations }) => {
          return { mechanism: mechanismOf(mechanism), iterations };
        }),
      }));
    }, options);
  }

  /**
   * Sets and deletes credentials; the password does not leave the process. Each user has a result.
   */
  alter(
    alterations: readonly ScramAlteration[],
    options: CallOptions = {},
  ): Promise<ScramResult[]> {
    const body = {
      deletions: alterations
        .filter(({ password }) => password === null)
        .map(({ user, mechanism }) => ({ name: user, mechanism: mechanisms[mechanism].number })),
      upsertions: alterations.flatMap((each) =>
        each.password === null ? [] : [this.#upsertion({ ...each, password: each.password })],
      ),
    };
    return this.#client.retry(async ({ timeoutMs }) => {
      const api = alterUserScramCredentials;
      const answer = await this.#client.requestToAny(api, body, { timeoutMs });
      return answer.results.map(({ user, errorCode, errorMessage }) => {
        return { user, error: errorOf(errorCode, errorMessage) };
      });
    }, options);
  }

  #upsertion({
    user,
    mechanism,
    password,
    iterations = 4096,
  }: ScramAlteration & { readonly password: string }) {
    const { number, hash, bytes } = mechanisms[mechanism];
    const salt = this.#io.random.bytes(16);
    const saltedPassword = pbkdf2Sync(password, salt, iterations, bytes, hash);
    return { name: user, mechanism: number, iterations, salt, saltedPassword };
  }
}

function mechanismOf(number: number): ScramMechanism {
  return number === mechanisms['SCRAM-SHA-512'].number ? 'SCRAM-SHA-512' : 'SCRAM-SHA-256';
}
