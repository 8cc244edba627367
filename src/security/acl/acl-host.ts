// The address of a client as ACLs name it: as Java writes it (InetAddress.getHostAddress), which
// leaves no group of zeroes out of an IPv6 address.

const mappedIpv4 = '::ffff:';

export function aclHost(address: string): string {
  if (!address.includes(':')) return address;
  if (address.startsWith(mappedIpv4) && address.includes('.')) {
    return address.slice(mappedIpv4.length);
  }
  const [bare = '', zone] = address.split('%');
  const [head = '', tail] = bare.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const zeroes = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const all = [...first, ...Array<string>(zeroes).fill('0'), ...last];
  const plain = all.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
  return zone === undefined ? plain : `${plain}%${zone}`;
}

/** An address in the bytes of Java's InetAddress; a name, as simulated hosts have, as text. */
export function hostToBytes(host: string): Buffer {
  const parts = host.split(host.includes(':') ? ':' : '.');
  if (host.includes(':') && parts.length === 8) {
    const bytes = Buffer.alloc(16);
    for (const [index, part] of parts.entries()) {
      bytes.writeUInt16BE(Number.parseInt(part, 16) & 0xffff, index * 2);
    }
    return bytes;
  }
  const isIpv4 = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part));
  return isIpv4 ? Buffer.from(parts.map(Number)) : Buffer.from(`${host}\0`);
}

export function hostFromBytes(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  if (bytes.length !== 16) return bytes.toString().replace(/\0$/, '');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  return groups.map((group) => group.toString(16)).join(':');
}
