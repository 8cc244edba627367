// The quotas of users, clients and addresses, in the words and layout of Kafka's kafka-configs.

import type { Admin, ConfigAlteration, QuotaEntity } from '../../client/index.ts';
import { UsageError } from '../command-line.ts';
import { entityOfParts, filtersOf, type QuotaPart } from './quota-entity.ts';

const clientQuotas = [
  'consumer_byte_rate',
  'controller_mutation_rate',
  'producer_byte_rate',
  'request_percentage',
];
const whatOf = {
  users: 'quota and SCRAM credential',
  clients: 'quota',
  ips: 'connection quota',
};
const ipQuotas = ['connection_creation_rate'];

export async function describeQuotas(admin: Admin, parts: readonly QuotaPart[]): Promise<void> {
  const found = await admin.describeClientQuotas(filtersOf(parts), { strict: true });
  for (const { entity, values } of found) {
    const quotas = Object.entries(values).map(([key, value]) => `${key}=${asDouble(value)}`);
    process.stdout.write(`Quota configs for ${nameOf(entity)} are ${quotas.join(', ')}\n`);
  }
}

export async function alterQuotas(
  admin: Admin,
  parts: readonly QuotaPart[],
  configs: readonly ConfigAlteration[],
): Promise<void> {
  const entity = entityOfParts(parts);
  const first = parts[0] as QuotaPart;
  const values = valuesOf(configs, first.type);
  const removed = Object.keys(values).filter((key) => values[key] === null);
  if (removed.length > 0) {
    const [present] = await admin.describeClientQuotas(filtersOf(parts), { strict: true });
    const missing = removed.filter((key) => present?.values[key] === undefined);
    if (missing.length > 0) throw new UsageError(`Invalid config(s): ${missing.join(',')}`);
  }
  const [result] = await admin.alterClientQuotas([{ entity, values }]);
  if (result !== undefined && result.error !== null) throw result.error;
  process.stdout.write(
    first.name === null
      ? `Completed updating default config for ${first.type} in the cluster.\n`
      : `Completed updating config for ${first.type.slice(0, -1)} ${first.name}.\n`,
  );
}

function valuesOf(
  configs: readonly ConfigAlteration[],
  type: QuotaPart['type'],
): Record<string, number | null> {
  const known = type === 'ips' ? ipQuotas : clientQuotas;
  const unknown = configs.filter(({ name }) => !known.includes(name)).map(({ name }) => name);
  if (unknown.length > 0) {
    const names = type === 'ips' ? unknown.join(',') : `Set(${unknown.join(', ')})`;
    throw new UsageError(
      `Only ${whatOf[type]} configs can be added for '${type}' using --bootstrap-server. ` +
        `Unexpected config names: ${names}`,
    );
  }
  const values: Record<string, number | null> = {};
  for (const { name, operation, value } of configs) {
    values[name] = operation === 'delete' ? null : numberOf(name, value ?? '');
  }
  return values;
}

function numberOf(name: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isNaN(value)) return value;
  throw new UsageError(`Cannot parse quota configuration value for ${name}: ${text}`);
}

/** A name by kind, users first. */
export function nameOf(entity: QuotaEntity): string {
  const kinds: readonly [string, string][] = [
    ['user', 'user-principal'],
    ['client-id', 'client-id'],
    ['ip', 'ip'],
  ];
  return kinds
    .filter(([type]) => entity[type] !== undefined)
    .map(([type, kind]) => {
      const name = entity[type];
      return name === null ? `the default ${kind}` : `${kind} '${name}'`;
    })
    .join(', ');
}

/** As Java prints a double: 1024.0, 12.5, 1.0E7. */
export function asDouble(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e7 || Math.abs(value) < 1e-3)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e');
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
