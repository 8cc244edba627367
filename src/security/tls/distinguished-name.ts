// Distinguished names of certificates as text: RFC 2253, byte for byte what Java's
// X500Principal.getName() returns, because ACLs and mapping rules are written for that.
//
// Invariant: whatever stands in a name, its text cannot be taken for that of another name: what has
// a meaning is escaped, NUL becomes \00, and values that are no text become hexadecimal digits.

import { childrenOf, type DerNode, DerTag, oidOf, partsOf, readDer } from './der.ts';

/** The attribute types that RFC 2253 has names for; Java shows all others by their numbers. */
const keywords: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};

/** UTF8, Printable, T61, IA5, General and BMP strings: what Java reads as text. */
const textTags: ReadonlySet<number> = new Set([0x0c, 0x13, 0x14, 0x16, 0x1b, 0x1e]);

/** The subject of an X.509 certificate. @throws DerError */
export function subjectName(certificate: Buffer): string {
  const body = partsOf(partsOf(readDer(certificate))[0]);
  // The version comes first, and only from the second version on.
  const subject = body[body[0]?.tag === DerTag.CONTEXT_0 ? 5 : 4];
  return distinguishedName(subject);
}

/** Of a Name (RFC 5280). The last part comes first. @throws DerError */
export function distinguishedName(name: DerNode | undefined): string {
  return partsOf(name)
    .map((part) => partsOf(part, DerTag.SET).map(attributeText).join('+'))
    .reverse()
    .join(',');
}

function attributeText(attribute: DerNode): string {
  const [type, value] = childrenOf(attribute);
  const oid = oidOf(type);
  if (value === undefined) return `${keywords[oid] ?? oid}=`;
  const keyword = keywords[oid];
  if (keyword === undefined || !textTags.has(value.tag)) {
    return `${keyword ?? oid}=#${value.raw.toString('hex')}`;
  }
  // Java reads the bytes of every kind of text as UTF-8, those of a BMP string too.
  return `${keyword}=${escaped(value.content.toString('utf8'))}`;
}

function escaped(text: string): string {
  const inner = text.replace(/[,=+<>#;"\\]/g, '\\$&').replaceAll('\0', '\\00');
  // Loops, because a pattern for the end of a text would look at each space of a long one twice.
  const isBlank = (at: number): boolean => inner[at] === ' ' || inner[at] === '\r';
  let lead = 0;
  while (lead < inner.length && isBlank(lead)) lead++;
  let end = inner.length;
  while (end > lead && isBlank(end - 1)) end--;
  const blanks = (part: string): string => part.replace(/[ \r]/g, '\\$&');
  return blanks(inner.slice(0, lead)) + inner.slice(lead, end) + blanks(inner.slice(end));
}
