// Listeners at which nobody is asked who he is, although more than this machine can reach them.

import type { BrokerConfig } from './broker-config.ts';
import { formatListener, type Listener } from './listeners.ts';

/** A line for each of them: which it is, and what shuts it. */
export function openDoors(config: BrokerConfig): string[] {
  return config.listeners.flatMap((listener) => {
    const lines: string[] = [];
    const shown = `listener ${formatListener(listener)}`;
    if (listener.protocol === 'PLAINTEXT' && !isLoopback(listener.host)) {
      const who = 'whoever reaches it can read, write and delete everything';
      const remedy = `listen on 127.0.0.1, or with SSL or SASL_SSL (partita start --secure)`;
      lines.push(`${shown} has neither TLS nor SASL, so that ${who}: ${remedy}`);
    }
    if (takesUnsignedTokens(config, listener)) {
      const who = 'whoever connects can be anybody';
      const remedy = 'set sasl.oauthbearer.jwks.endpoint.url for it';
      lines.push(`${shown} takes OAUTHBEARER tokens without a signature: ${who}; ${remedy}`);
    }
    return lines;
  });
}

function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^::ffff:/, '');
  return plain === 'localhost' || plain === '::1' || /^127(\.\d{1,3}){3}$/.test(plain);
}

function takesUnsignedTokens(config: BrokerConfig, { name, protocol }: Listener): boolean {
  if (!protocol.startsWith('SASL')) return false;
  const key = 'sasl.oauthbearer.jwks.endpoint.url';
  if (config.getForMechanism(name, 'oauthbearer', key) !== null) return false;
  return config
    .getForListener(name, 'sasl.enabled.mechanisms')
    .some((each) => each.toUpperCase() === 'OAUTHBEARER');
}
