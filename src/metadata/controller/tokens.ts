// Delegation tokens (KIP-48): made, prolonged and ended here, by the rules of Kafka's
// DelegationTokenControlManager, and by this controller's clock.
//
// Invariant: no token counts longer than its maxTimestamp; what is kept of a token is no secret.

import type { Decision } from '../../machine/index.ts';
import { INT64_MAX, KafkaError } from '../../protocol/index.ts';
import {
  type DelegationToken,
  isExpired,
  mayRenew,
  TokenIndex,
  tokenHmac,
  tokenPrincipal,
} from '../../security/tokens/index.ts';
import type { MetadataRecord } from '../records/index.ts';
import type {
  CreateTokenRequest,
  CreateTokenResult,
  ExpireTokenRequest,
  RenewTokenRequest,
  TokenExpiry,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { randomUuid } from './topics.ts';

/** The metadata.version that has records of tokens: 3.6-IV2. */
const metadataVersionMin = 14;
/** Of one decision. */
const removedMax = 1000;

export function createToken(
  machine: ControllerMachine,
  { principal, owner, renewers, maxLifetimeMs }: CreateTokenRequest,
  nowMs: number,
): Decision<MetadataRecord, CreateTokenResult> {
  const { lifetimeMsMax, expiryMs } = machine.context.rules.tokens;
  const secretKey = assertEnabled(machine);
  if (renewers.some((renewer) => tokenPrincipal(renewer).type !== 'User')) {
    throw new KafkaError('INVALID_PRINCIPAL_TYPE');
  }
  const maxTimestamp = atLatest(nowMs + withinMs(lifetimeMsMax, maxLifetimeMs));
  const token: DelegationToken = {
    tokenId: randomUuid(machine.context.random),
    owner,
    requester: principal,
    renewers: [...renewers],
    issueTimestamp: nowMs,
    maxTimestamp,
    expirationTimestamp: Math.min(maxTimestamp, nowMs + expiryMs),
  };
  const hmac = Uint8Array.from(tokenHmac(secretKey, token.tokenId));
  return { records: [recordOf(token)], response: { token, hmac } };
}

export function renewToken(
  machine: ControllerMachine,
  { principal, hmac, renewPeriodMs }: RenewTokenRequest,
  nowMs: number,
): Decision<MetadataRecord, TokenExpiry> {
  const { expiryMs } = machine.context.rules.tokens;
  const token = tokenOf(machine, hmac);
  if (isExpired(token, nowMs)) throw new KafkaError('DELEGATION_TOKEN_EXPIRED');
  assertMayRenew(token, principal);
  return expiringAt(token, nowMs + withinMs(expiryMs, renewPeriodMs));
}

export function expireToken(
  machine: ControllerMachine,
  { principal, hmac, expiryTimePeriodMs }: ExpireTokenRequest,
  nowMs: number,
): Decision<MetadataRecord, TokenExpiry> {
  const token = tokenOf(machine, hmac);
  assertMayRenew(token, principal);
  if (expiryTimePeriodMs < 0) {
    return { records: [removalOf(token)], response: { expirationTimestamp: nowMs } };
  }
  if (isExpired(token, nowMs)) throw new KafkaError('DELEGATION_TOKEN_EXPIRED');
  return expiringAt(token, nowMs + expiryTimePeriodMs);
}

/** Responds with whether there are more. */
export function removeExpiredTokens(
  { image, context }: ControllerMachine,
  nowMs: number,
): Decision<MetadataRecord, boolean> {
  const records: MetadataRecord[] = [];
  for (const token of image.tokens.values()) {
    if (!isExpired(token, nowMs)) continue;
    if (records.length === removedMax) return { records, response: true };
    const { tokenId, owner } = token;
    context.log?.info('a delegation token has expired', { tokenId, owner });
    records.push(removalOf(token));
  }
  return { records, response: false };
}

function assertEnabled({ image, context }: ControllerMachine): string {
  const { secretKey } = context.rules.tokens;
  if (secretKey === null) throw new KafkaError('DELEGATION_TOKEN_AUTH_DISABLED');
  const level = image.features.get('metadata.version') ?? metadataVersionMin;
  if (level < metadataVersionMin) throw new KafkaError('UNSUPPORTED_VERSION');
  return secretKey;
}

function tokenOf(machine: ControllerMachine, hmac: Uint8Array): DelegationToken {
  const secretKey = assertEnabled(machine);
  machine.tokenIndex ??= indexOf(machine, secretKey);
  const tokenId = machine.tokenIndex.find(hmac);
  const token = tokenId === undefined ? undefined : machine.image.tokens.get(tokenId);
  if (token === undefined) throw new KafkaError('DELEGATION_TOKEN_NOT_FOUND');
  return token;
}

function indexOf({ image, context }: ControllerMachine, secretKey: string): TokenIndex {
  const index = new TokenIndex(secretKey, context.random);
  for (const tokenId of image.tokens.keys()) index.add(tokenId);
  return index;
}

function assertMayRenew(token: DelegationToken, principal: string): void {
  if (!mayRenew(token, principal)) throw new KafkaError('DELEGATION_TOKEN_OWNER_MISMATCH');
}

function expiringAt(token: DelegationToken, atMs: number): Decision<MetadataRecord, TokenExpiry> {
  const expirationTimestamp = Math.min(token.maxTimestamp, atMs);
  const records = [recordOf({ ...token, expirationTimestamp })];
  return { records, response: { expirationTimestamp } };
}

/** What is asked for, where it is a time and no longer than allowed. */
function withinMs(allowedMs: number, askedMs: number): number {
  return askedMs > 0 ? Math.min(allowedMs, askedMs) : allowedMs;
}

function atLatest(atMs: number): number {
  return Math.min(atMs, INT64_MAX);
}

function recordOf({ renewers, ...token }: DelegationToken): MetadataRecord {
  return { type: 'DelegationTokenRecord', ...token, renewers: [...renewers] };
}

function removalOf({ tokenId }: DelegationToken): MetadataRecord {
  return { type: 'RemoveDelegationTokenRecord', tokenId };
}
