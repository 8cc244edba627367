// Where a member of a group is, as the groups record it, and whether it may be in one of KIP-848.

import { KafkaError } from '../../protocol/index.ts';
import type { RequestContext } from '../handler.ts';

const mappedIpv4 = '::ffff:';

/** As Java prints an address without a name, and so every tool. */
export function hostAsJavaPrints(remoteHost: string): string {
  const isMapped = remoteHost.startsWith(mappedIpv4);
  return `/${isMapped ? remoteHost.slice(mappedIpv4.length) : remoteHost}`;
}

/** @throws KafkaError UNSUPPORTED_VERSION while the cluster has no groups of KIP-848 */
export function assertConsumerProtocol({ image }: RequestContext): void {
  if ((image.features.get('group.version') ?? 0) < 1) throw new KafkaError('UNSUPPORTED_VERSION');
}
