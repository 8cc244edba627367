// ASN.1 in DER, and in the BER that some key stores are written in: indefinite lengths and octet
// strings in parts.
//
// Invariant: nothing is read beyond the bytes that were given, nesting is bounded, and what is no
// ASN.1 throws a DerError; never a wrong answer.

/** These bytes are not the structure that they should be. */
export class DerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DerError';
  }
}

export const DerTag = {
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OBJECT_IDENTIFIER: 0x06,
  UTF8_STRING: 0x0c,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
  /** [0], constructed. */
  CONTEXT_0: 0xa0,
} as const;

export interface DerNode {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag and length included. */
  readonly raw: Buffer;
}

const depthMax = 32;

/** The one value that these bytes are. */
export function readDer(bytes: Buffer): DerNode {
  const { node, end } = nodeAt(bytes, 0, 0);
  if (end !== bytes.length) throw new DerError('bytes follow the end');
  return node;
}

/** Of a constructed value. */
export function childrenOf({ content }: DerNode): DerNode[] {
  const children: DerNode[] = [];
  for (let position = 0; position < content.length; ) {
    const { node, end } = nodeAt(content, position, 0);
    children.push(node);
    position = end;
  }
  return children;
}

/** The children of a SEQUENCE, or of another tag. */
export function partsOf(node: DerNode | undefined, tag: number = DerTag.SEQUENCE): DerNode[] {
  return childrenOf(expected(node, tag));
}

export function expected(node: DerNode | undefined, tag: number): DerNode {
  if (node?.tag === tag) return node;
  const found = node === undefined ? 'nothing' : `tag ${node.tag}`;
  throw new DerError(`tag ${tag} was expected, ${found} was found`);
}

/** An object identifier in dots. */
export function oidOf(node: DerNode | undefined): string {
  const { content } = expected(node, DerTag.OBJECT_IDENTIFIER);
  const numbers: bigint[] = [];
  let value = 0n;
  for (const byte of content) {
    value = (value << 7n) | BigInt(byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    numbers.push(value);
    value = 0n;
  }
  const first = numbers.shift();
  if (first === undefined) throw new DerError('an empty object identifier');
  const top = first < 80n ? first / 40n : 2n;
  return [top, first - top * 40n, ...numbers].join('.');
}

/** A whole number below 2^31, as counts and lengths are. */
export function integerOf(node: DerNode | undefined): number {
  const { content } = expected(node, DerTag.INTEGER);
  if (content.length === 0 || content.length > 5) throw new DerError('no such number');
  const value = content.readIntBE(0, content.length);
  if (value < 0 || value > 0x7fff_ffff) throw new DerError('no such number');
  return value;
}

/** The bytes of an octet string, whole or in parts, under its own tag or [0] in its place. */
export function octetsOf(node: DerNode | undefined, tag: number = DerTag.OCTET_STRING): Buffer {
  if (node !== undefined && node.tag === (tag | 0x20)) {
    return Buffer.concat(childrenOf(node).map((part) => octetsOf(part)));
  }
  return expected(node, tag).content;
}

function nodeAt(
  bytes: Buffer,
  position: number,
  depth: number,
): { readonly node: DerNode; readonly end: number } {
  if (depth > depthMax) throw new DerError('it is nested too deeply');
  const tag = byteAt(bytes, position);
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of several bytes');
  const { start, length } = lengthAt(bytes, position + 1);
  if (length === null) {
    if ((tag & 0x20) === 0) throw new DerError('a length without an end');
    let end = start;
    while (byteAt(bytes, end) !== 0 || byteAt(bytes, end + 1) !== 0) {
      end = nodeAt(bytes, end, depth + 1).end;
    }
    const node = { tag, content: bytes.subarray(start, end), raw: bytes.subarray(position, end) };
    return { node, end: end + 2 };
  }
  const end = start + length;
  if (end > bytes.length) throw new DerError('it ends too early');
  const content = bytes.subarray(start, end);
  return { node: { tag, content, raw: bytes.subarray(position, end) }, end };
}

/** `length` is null for one that a mark at the end says. */
function lengthAt(bytes: Buffer, position: number): { start: number; length: number | null } {
  const first = byteAt(bytes, position);
  const start = position + 1;
  if (first < 0x80) return { start, length: first };
  const count = first & 0x7f;
  if (count === 0) return { start, length: null };
  if (count > 4 || start + count > bytes.length) throw new DerError('a length that cannot be');
  return { start: start + count, length: bytes.readUIntBE(start, count) };
}

function byteAt(bytes: Buffer, position: number): number {
  const byte = bytes[position];
  if (byte === undefined) throw new DerError('it ends too early');
  return byte;
}
