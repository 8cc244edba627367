// What the options of Java's com.sun.security.auth.module.Krb5LoginModule say: whose keys a broker
// has, and where a client has its tickets or the keys to get them with.
//
// Invariant: options that would make Java ask for a password refuse the start.

import { ConfigError } from '../../config/index.ts';
import type { KeySource, TicketSource } from '../../io/gssapi/index.ts';

type Options = ReadonlyMap<string, string>;

/** @throws ConfigError with the remedy; `source` says where the options are from */
export function keySourceOf(options: Options, source: string): KeySource {
  if (!isTrue(options, 'useKeyTab')) {
    const remedy = 'add useKeyTab=true keyTab="…" principal="kafka/HOST@REALM" in front of the ;';
    throw new ConfigError(null, `${source} has no keys for GSSAPI: ${remedy}`);
  }
  const principal = demandedPrincipal(options, source);
  return { keyTab: options.get('keyTab') ?? null, principal: principal === '*' ? null : principal };
}

/** In the order in which they are tried. @throws ConfigError with the remedy */
export function ticketSourcesOf(options: Options, source: string): readonly TicketSource[] {
  const sources: TicketSource[] = [];
  if (isTrue(options, 'useTicketCache')) {
    const path = options.get('ticketCache') ?? null;
    sources.push({ kind: 'cache', path, principal: options.get('principal') ?? null });
  }
  if (isTrue(options, 'useKeyTab')) {
    const principal = demandedPrincipal(options, source);
    sources.push({ kind: 'keytab', keyTab: options.get('keyTab') ?? null, principal });
  }
  if (sources.length > 0) return sources;
  const remedy = 'add useKeyTab=true keyTab="…" principal="…", or useTicketCache=true';
  throw new ConfigError(null, `${source} says nobody for GSSAPI to be: ${remedy}`);
}

/**
 * @param configured sasl.kerberos.service.name
 * @throws ConfigError: there is none, or two
 */
export function serviceNameOf(options: Options, configured: string | null, source: string): string {
  const key = 'sasl.kerberos.service.name';
  const ofJaas = options.get('serviceName') ?? null;
  if (ofJaas !== null && configured !== null && ofJaas !== configured) {
    const both = `${key} is ${configured}, and serviceName of ${source} is ${ofJaas}`;
    throw new ConfigError(key, `${both}: take one of them out`);
  }
  const name = ofJaas ?? configured;
  if (name !== null && name !== '') return name;
  throw new ConfigError(key, `${key} is not set: GSSAPI needs it, mostly it is kafka`);
}

function isTrue(options: Options, name: string): boolean {
  return options.get(name)?.toLowerCase() === 'true';
}

function demandedPrincipal(options: Options, source: string): string {
  const principal = options.get('principal');
  if (principal !== undefined && principal !== '') return principal;
  const remedy = 'add principal="…", as klist -k shows it, in front of the ;';
  throw new ConfigError(null, `${source} has a keytab and no principal: ${remedy}`);
}
