// The messages of OAUTHBEARER (RFC 7628, section 3): pairs between bytes of value 1.

import { SaslError } from './sasl-exchange.ts';

const saslName = String.raw`(?:[^\0\x01,=]|=2C|=3D)+`;
const clientFirst = new RegExp(
  String.raw`^n,(?:a=(?<authzid>${saslName}))?,\x01` +
    String.raw`(?<pairs>(?:[A-Za-z]+=[\x20-\x7e\t\r\n]*\x01)*)\x01$`,
  'u',
);

export interface BearerFirst {
  readonly authorizationId: string;
  readonly token: string;
}

export function parseBearerFirst(message: Buffer): BearerFirst {
  const found = clientFirst.exec(message.toString('utf8'))?.groups;
  if (found === undefined) throw new SaslError('Invalid OAUTHBEARER client first message');
  const pairs = (found.pairs as string).split('\x01').filter((pair) => pair !== '');
  const auth = pairs.filter((pair) => pair.startsWith('auth='));
  const token = /^auth=bearer +(?<token>[A-Za-z0-9._~+/-]+=*)$/i.exec(auth[0] ?? '')?.groups?.token;
  if (auth.length !== 1 || token === undefined) {
    throw new SaslError("Invalid OAUTHBEARER client first message: 'auth' not specified");
  }
  const authorizationId = (found.authzid ?? '').replaceAll('=2C', ',').replaceAll('=3D', '=');
  return { authorizationId, token };
}

const token = /^[A-Za-z0-9._~+/-]+=*$/;

/** @param extensions as Kafka's KIP-342 has them: names of letters, values of printable ASCII */
export function bearerFirst(value: string, extensions: ReadonlyMap<string, string>): Buffer {
  // What came from a token endpoint is in no message: it may be a secret all the same.
  if (!token.test(value)) throw new SaslError('the token is none that OAUTHBEARER can carry');
  const pairs = [...extensions].map(([name, each]) => `${name}=${each}\x01`);
  return Buffer.from(`n,,\x01auth=Bearer ${value}\x01${pairs.join('')}\x01`);
}

/** What a client answers to an error, to which the server has the last word. */
export const bearerAcknowledgement: Buffer = Buffer.from('\x01');

/** What a server says to a token that it does not take; `scope`: what the token would need. */
export function bearerRefusal(scope: string | null): string {
  if (scope === null) return JSON.stringify({ status: 'invalid_token' });
  return JSON.stringify({ status: 'insufficient_scope', scope });
}
