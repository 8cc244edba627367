// Who somebody is, as ACLs, quotas and logs name them: Kafka's principal, `User:alice`.
//
// Invariant: a principal is made by authentication alone (or is `anonymous` where a listener asks
// nobody); what a client writes into a request is never one.

import { decodeVersioned, encodeVersioned, KafkaError, principal } from '../protocol/index.ts';

export interface Principal {
  /** `User` of everybody who authenticated; ACLs may name other types. */
  readonly type: string;
  readonly name: string;
  /** Proven by a delegation token (KIP-48), with which no further token is made. */
  readonly isByToken: boolean;
}

/** Whoever connects where nobody is asked. */
export const anonymous: Principal = { type: 'User', name: 'ANONYMOUS', isByToken: false };

export function userPrincipal(name: string): Principal {
  return { type: 'User', name, isByToken: false };
}

/** `User:alice`, as ACLs have it. */
export function principalText({ type, name }: Principal): string {
  return `${type}:${name}`;
}

/** null: the text is not of the form TYPE:NAME. A name may have colons. */
export function parsePrincipal(text: string): Principal | null {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1) return null;
  return { type: text.slice(0, colon), name: text.slice(colon + 1), isByToken: false };
}

/** As Kafka's brokers tell each other of a principal (DefaultPrincipalData, KIP-590). */
export function principalToBytes({ type, name, isByToken }: Principal): Buffer {
  return encodeVersioned(principal, 0, { type, name, tokenAuthenticated: isByToken });
}

/** @throws KafkaError PRINCIPAL_DESERIALIZATION_FAILURE */
export function principalFromBytes(bytes: Buffer): Principal {
  try {
    const { type, name, tokenAuthenticated } = decodeVersioned(principal, bytes).value;
    return { type, name, isByToken: tokenAuthenticated };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    throw new KafkaError('PRINCIPAL_DESERIALIZATION_FAILURE', error.message);
  }
}
