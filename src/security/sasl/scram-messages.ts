// The messages of SCRAM (RFC 5802, section 7), as text.
//
// Invariant: what is parsed is of the grammar as a whole; what is not is a SaslError that repeats
// nothing of it.

import { SaslError } from './sasl-exchange.ts';

/** `,` and `=` of a name are `=2C` and `=3D`. */
const saslName = `(?:[^\0,=]|=2C|=3D)+`;
/** Printable ASCII without the comma. */
const nonce = `[\x21-\x2b\x2d-\x7e]+`;
const base64 = `(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?`;
const extensions = `(?<extensions>(?:,[A-Za-z]+=[^\0,]+)*)`;

const clientFirst = new RegExp(
  `^(?<gs2>(?<flag>[ny]|p=[A-Za-z0-9.-]+),(?:a=(?<authzid>${saslName}))?,)` +
    `(?<bare>n=(?<name>${saslName}),r=(?<nonce>${nonce})${extensions})$`,
  'u',
);
const serverFirst = new RegExp(
  `^r=(?<nonce>${nonce}),s=(?<salt>${base64}),i=(?<iterations>[0-9]{1,10})${extensions}$`,
  'u',
);
const clientFinal = new RegExp(
  `^(?<unproven>c=(?<binding>${base64}),r=(?<nonce>${nonce})${extensions})` +
    `,p=(?<proof>${base64})$`,
  'u',
);
const serverFinal = new RegExp(`^(?:e=(?<error>[^,]+)|v=(?<verifier>${base64}))`, 'u');

export interface ClientFirst {
  /** Flag and authorization id, which the final message has to repeat. */
  readonly gs2: string;
  /** `n`, `y`, or `p=NAME` of a client that binds to the channel. */
  readonly flag: string;
  readonly authorizationId: string;
  readonly user: string;
  readonly nonce: string;
  /** Without the gs2 header: what is signed. */
  readonly bare: string;
  /** By name: `tokenauth` of KIP-48 is one. */
  readonly extensions: ReadonlyMap<string, string>;
}

export function parseClientFirst(token: Buffer): ClientFirst {
  const found = match(clientFirst, token, 'first client message');
  return {
    gs2: found.gs2 as string,
    flag: found.flag as string,
    authorizationId: unescaped(found.authzid ?? ''),
    user: unescaped(found.name as string),
    nonce: found.nonce as string,
    bare: found.bare as string,
    extensions: parseExtensions(found.extensions ?? ''),
  };
}

export interface ServerFirst {
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

export function parseServerFirst(token: Buffer): ServerFirst {
  const found = match(serverFirst, token, 'first server message');
  return {
    nonce: found.nonce as string,
    salt: Buffer.from(found.salt as string, 'base64'),
    iterations: Number(found.iterations),
  };
}

export interface ClientFinal {
  /** What the client says of the channel, in base64. */
  readonly binding: string;
  readonly nonce: string;
  /** The message without its proof: what is signed. */
  readonly unproven: string;
  readonly proof: Buffer;
}

export function parseClientFinal(token: Buffer): ClientFinal {
  const found = match(clientFinal, token, 'final client message');
  return {
    binding: found.binding as string,
    nonce: found.nonce as string,
    unproven: found.unproven as string,
    proof: Buffer.from(found.proof as string, 'base64'),
  };
}

/** What the server proves itself with, or the error it tells instead. */
export function parseServerFinal(token: Buffer): { error: string | null; verifier: Buffer } {
  const { error, verifier } = match(serverFinal, token, 'final server message');
  return { error: error ?? null, verifier: Buffer.from(verifier ?? '', 'base64') };
}

export function escaped(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

function unescaped(name: string): string {
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function parseExtensions(text: string): ReadonlyMap<string, string> {
  const parts = text.split(',').filter((part) => part !== '');
  const entries = parts.map((part) => part.split(/=(.*)/s, 2) as [string, string]);
  // RFC 5802, section 5.1: a mandatory extension that is not understood refuses.
  if (entries.some(([name]) => name === 'm')) throw new SaslError('a mandatory SCRAM extension');
  return new Map(entries);
}

function match(
  pattern: RegExp,
  token: Buffer,
  what: string,
): Readonly<Record<string, string | undefined>> {
  const found = pattern.exec(token.toString('utf8'));
  if (found?.groups === undefined) throw invalid(what);
  return found.groups;
}

function invalid(what: string): SaslError {
  return new SaslError(`Invalid SCRAM ${what} format`);
}
