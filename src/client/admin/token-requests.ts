// Delegation tokens (KIP-48, KIP-373): a token lets its holder be its owner for a while, without
// the owner's password. Brokers without delegation.token.secret.key have none.

import {
  createDelegationToken,
  describeDelegationToken,
  expireDelegationToken,
  type KafkaError,
  type ResponseOf,
  renewDelegationToken,
} from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import { errorOf } from './admin-results.ts';

/** Who somebody is: `{ type: 'User', name: 'alice' }`. */
export interface TokenPrincipal {
  /** Default User, the only type that may renew. */
  readonly type?: string;
  readonly name: string;
}

export interface DelegationTokenDescription {
  /** The user name of a login with it. */
  readonly tokenId: string;
  /** Its secret; in base64 it is the password of a login with it. */
  readonly hmac: Buffer;
  readonly owner: Required<TokenPrincipal>;
  /** Who had it made; of a broker before Kafka 3.3 the owner. */
  readonly requester: Required<TokenPrincipal>;
  readonly renewers: readonly Required<TokenPrincipal>[];
  /** Times are in ms since 1970, of the broker's clock. */
  readonly issueTimestamp: number;
  readonly expiryTimestamp: number;
  /** It is renewed up to here at most. */
  readonly maxTimestamp: number;
}

export interface NewDelegationToken {
  /** Default: who asks. Another one needs the right CREATE_TOKENS on it, and Kafka 3.3. */
  readonly owner?: TokenPrincipal;
  /** Who may renew and end it, besides its owner. Default: nobody. */
  readonly renewers?: readonly TokenPrincipal[];
  /** Default -1: as long as the broker allows (delegation.token.max.lifetime.ms). */
  readonly maxLifetimeMs?: number;
}

type Told = ResponseOf<typeof describeDelegationToken>['tokens'][number];

/** Requests about delegation tokens (KIP-48); it is `admin.tokens`. */
export class TokenRequests {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Has a token made, by a connection that was not itself authenticated with one.
   * @throws KafkaError DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, DELEGATION_TOKEN_AUTH_DISABLED,
   *   DELEGATION_TOKEN_AUTHORIZATION_FAILED, INVALID_PRINCIPAL_TYPE
   */
  create(
    token: NewDelegationToken = {},
    options: CallOptions = {},
  ): Promise<DelegationTokenDescription> {
    const { owner, renewers = [], maxLifetimeMs = -1 } = token;
    const body = {
      // Older versions have no owner but who asks.
      ...(owner === undefined
        ? {}
        : { ownerPrincipalType: owner.type ?? 'User', ownerPrincipalName: owner.name }),
      renewers: renewers.map(onWire),
      maxLifetimeMs,
    };
    return this.#client.retry(async ({ timeoutMs }) => {
      const api = createDelegationToken;
      const told = await this.#client.requestToAny(api, body, { timeoutMs });
      assertNone(told);
      return descriptionOf({
        ...told,
        issueTimestamp: told.issueTimestampMs,
        expiryTimestamp: told.expiryTimestampMs,
        maxTimestamp: told.maxTimestampMs,
        renewers: body.renewers,
      });
    }, options);
  }

  /**
   * Lets the token with this secret live on for a while, by its owner or one of its renewers.
   * @param renewPeriodMs from now; -1: as long as the broker allows
   * @returns when it ends then, in ms since 1970
   * @throws KafkaError DELEGATION_TOKEN_NOT_FOUND, …_EXPIRED, …_OWNER_MISMATCH, …_AUTH_DISABLED,
   *   …_REQUEST_NOT_ALLOWED
   */
  renew(hmac: Uint8Array, renewPeriodMs = -1, options: CallOptions = {}): Promise<number> {
    const body = { hmac: Buffer.from(hmac), renewPeriodMs };
    return this.#client.retry(async ({ timeoutMs }) => {
      const api = renewDelegationToken;
      const answer = await this.#client.requestToAny(api, body, { timeoutMs });
      assertNone(answer);
      return answer.expiryTimestampMs;
    }, options);
  }

  /**
   * Lets the token with this secret end earlier, by its owner or one of its renewers.
   * @param expiryTimePeriodMs from now; -1: at once, and connections made with it end, too
   * @returns when it ends then, in ms since 1970
   * @throws KafkaError as `renew` does
   */
  expire(hmac: Uint8Array, expiryTimePeriodMs = -1, options: CallOptions = {}): Promise<number> {
    const body = { hmac: Buffer.from(hmac), expiryTimePeriodMs };
    return this.#client.retry(async ({ timeoutMs }) => {
      const api = expireDelegationToken;
      const answer = await this.#client.requestToAny(api, body, { timeoutMs });
      assertNone(answer);
      return answer.expiryTimestampMs;
    }, options);
  }

  /**
   * The tokens that we own, may renew, had made or have a right to see.
   * @param owners only the tokens of these; default: all
   * @throws KafkaError DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, DELEGATION_TOKEN_AUTH_DISABLED
   */
  describe(
    owners: readonly TokenPrincipal[] = [],
    options: CallOptions = {},
  ): Promise<DelegationTokenDescription[]> {
    const body = { owners: owners.length === 0 ? null : owners.map(onWire) };
    return this.#client.retry(async ({ timeoutMs }) => {
      const api = describeDelegationToken;
      const answer = await this.#client.requestToAny(api, body, { timeoutMs });
      assertNone(answer);
      return answer.tokens.map(descriptionOf);
    }, options);
  }
}

/** @throws KafkaError */
function assertNone({ errorCode }: { readonly errorCode: number }): void {
  const error: KafkaError | null = errorOf(errorCode, null);
  if (error !== null) throw error;
}

function onWire({ type = 'User', name }: TokenPrincipal) {
  return { principalType: type, principalName: name };
}

function descriptionOf(told: Omit<Told, 'throttleTimeMs'>): DelegationTokenDescription {
  const owner = { type: told.principalType, name: told.principalName };
  const { tokenRequesterPrincipalType: type, tokenRequesterPrincipalName: name } = told;
  const isTold = type !== undefined && type !== '' && name !== undefined;
  return {
    tokenId: told.tokenId,
    hmac: Buffer.from(told.hmac),
    owner,
    requester: isTold ? { type, name } : owner,
    renewers: told.renewers.map(({ principalType, principalName }) => {
      return { type: principalType, name: principalName };
    }),
    issueTimestamp: told.issueTimestamp,
    expiryTimestamp: told.expiryTimestamp,
    maxTimestamp: told.maxTimestamp,
  };
}
