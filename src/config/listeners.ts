// Listeners: `NAME://host:port` between commas, the security protocol each name stands for, and the
// addresses told to clients. Names are compared in upper case, as Kafka does.
//
// Invariants: names are distinct; two listeners share a port only when one is IPv4 and the other
// IPv6, or the port is 0 (any free one).

import { ConfigError } from './config-error.ts';

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

export interface Listener {
  /** In upper case. */
  readonly name: string;
  /** Empty: every interface; of an advertised listener: the address the client reached. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly protocol: SecurityProtocol;
}

const protocols: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

/** Reads listener.security.protocol.map: names in upper case to protocols. */
export function parseProtocolMap(text: string): ReadonlyMap<string, SecurityProtocol> {
  const key = 'listener.security.protocol.map';
  const map = new Map<string, SecurityProtocol>();
  for (const item of splitList(text)) {
    const [name = '', protocol = '', ...rest] = item.split(':').map((part) => part.trim());
    if (name === '' || rest.length > 0 || !protocols.includes(protocol.toUpperCase())) {
      throw invalid(key, item, `expected NAME:PROTOCOL with one of ${protocols.join(', ')}`);
    }
    if (map.has(name.toUpperCase())) throw invalid(key, item, 'the name comes twice');
    map.set(name.toUpperCase(), protocol.toUpperCase() as SecurityProtocol);
  }
  return map;
}

export interface ListenerRules {
  /** `listeners` or `advertised.listeners`, for errors. */
  readonly key: string;
  readonly protocolOf: ReadonlyMap<string, SecurityProtocol>;
  /** Names, in upper case, whose protocol does not matter because nothing opens them. */
  readonly skipped: ReadonlySet<string>;
}

/** Reads a list of listeners, those to be skipped left out. */
export function parseListeners(items: readonly string[], rules: ListenerRules): Listener[] {
  const { key, protocolOf, skipped } = rules;
  const isAdvertised = key === 'advertised.listeners';
  const seen: Omit<Listener, 'protocol'>[] = [];
  const listeners: Listener[] = [];
  for (const item of items) {
    const address = parseAddress(key, item);
    if (seen.some((other) => other.name === address.name)) {
      throw invalid(key, item, `listener ${address.name} comes twice: names must differ`);
    }
    if (!isAdvertised && seen.some((other) => sharesPort(other, address))) {
      throw invalid(key, item, `port ${address.port} comes twice: each listener needs its own`);
    }
    if (isAdvertised && (address.host === '0.0.0.0' || address.host === '::')) {
      throw invalid(key, item, 'clients cannot connect to every interface: give an address');
    }
    seen.push(address);
    if (skipped.has(address.name)) continue;
    const protocol = protocolOf.get(address.name);
    if (protocol === undefined) {
      const remedy = `add ${address.name}:PLAINTEXT (or another protocol) to`;
      throw invalid(key, item, `no protocol is known: ${remedy} listener.security.protocol.map`);
    }
    listeners.push({ ...address, protocol });
  }
  return listeners;
}

function parseAddress(key: string, item: string): Omit<Listener, 'protocol'> {
  const match = /^([^:/]+):\/\/(?:\[([^\]]*)\]|([^:/[\]]*)):(-?\d+)$/.exec(item);
  if (match === null) {
    const colons = item.replace(/^[^:/]+:\/\//, '').split(':').length - 1;
    const hint = colons > 1 ? '; an IPv6 address goes in brackets' : '';
    throw invalid(key, item, `expected name://host:port${hint}`);
  }
  const [, name = '', ipv6, host = '', digits = ''] = match;
  const port = Number(digits);
  if (port < 0 || port > 65_535) throw invalid(key, item, 'a port is from 0 to 65535');
  if (ipv6 !== undefined && !/^[0-9a-fA-F:.]+(%[\w.-]+)?$/.test(ipv6)) {
    throw invalid(key, item, 'brackets hold an IPv6 address');
  }
  return { name: name.trim().toUpperCase(), host: ipv6 ?? host.trim(), port };
}

function sharesPort(a: { host: string; port: number }, b: { host: string; port: number }): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const isIpv4 = (host: string): boolean => /^\d+(\.\d+){3}$/.test(host);
  const isIpv6 = (host: string): boolean => host.includes(':');
  return !((isIpv4(a.host) && isIpv6(b.host)) || (isIpv6(a.host) && isIpv4(b.host)));
}

/** A listener as it is written in a file: IPv6 in brackets. */
export function formatListener(listener: { name: string; host: string; port: number }): string {
  const host = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
  return `${listener.name}://${host}:${listener.port}`;
}

/** Reads `address:count` between commas: max.connections.per.ip.overrides. */
export function parseConnectionLimits(text: string): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const item of splitList(text)) {
    const match = /^(?:\[([^\]]+)\]|(.+)):(\d{1,10})$/.exec(item);
    if (match === null || Number(match[3]) > 0x7fff_ffff) {
      throw invalid('max.connections.per.ip.overrides', item, 'expected address:count');
    }
    limits.set((match[1] ?? match[2] ?? '').trim(), Number(match[3]));
  }
  return limits;
}

function splitList(text: string): string[] {
  return text.trim() === '' ? [] : text.trim().split(/\s*,\s*/);
}

function invalid(key: string, item: string, problem: string): ConfigError {
  return new ConfigError(key, `Invalid value ${item} for configuration ${key}: ${problem}`);
}
