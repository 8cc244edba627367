// Where a member of a group is, as the groups record it.

const mappedIpv4 = '::ffff:';

/** As Java prints an address without a name, and so every tool. */
export function hostAsJavaPrints(remoteHost: string): string {
  const isMapped = remoteHost.startsWith(mappedIpv4);
  return `/${isMapped ? remoteHost.slice(mappedIpv4.length) : remoteHost}`;
}
