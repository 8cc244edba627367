// What a delegation token is: a name, whose it is, who may prolong it, and until when it counts.
// Its secret is not part of it (token-hmac.ts).

import type { Principal } from '../principal.ts';

/** As Kafka's DelegationTokenRecord has it; principals are texts of the form TYPE:NAME. */
export interface DelegationToken {
  readonly tokenId: string;
  /** Whom its holder is taken for. */
  readonly owner: string;
  /** Who had it made: the owner, or whoever may make tokens for others (KIP-373). */
  readonly requester: string;
  readonly renewers: readonly string[];
  /** Times are of the wall clock, in ms. */
  readonly issueTimestamp: number;
  /** It is prolonged up to here at most. */
  readonly maxTimestamp: number;
  readonly expirationTimestamp: number;
}

/** As in Kafka it counts in the very millisecond of its end. */
export function isExpired(token: DelegationToken, nowMs: number): boolean {
  return token.maxTimestamp < nowMs || token.expirationTimestamp < nowMs;
}

/** Who had it made for somebody else may not. */
export function mayRenew(token: DelegationToken, principal: string): boolean {
  return token.owner === principal || token.renewers.includes(principal);
}

/** Who may see it without a right to. */
export function isOwnerOrRenewer(token: DelegationToken, principal: string): boolean {
  return token.requester === principal || mayRenew(token, principal);
}

/** What comes in front of the first colon is the type; a name may be empty or have colons. */
export function tokenPrincipal(text: string): Principal {
  const colon = text.indexOf(':');
  return { type: text.slice(0, colon), name: text.slice(colon + 1), isByToken: true };
}
