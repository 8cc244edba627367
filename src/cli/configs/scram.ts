// The SCRAM credentials of users, in the words and layout of Kafka's kafka-configs:
// --add-config 'SCRAM-SHA-256=[iterations=8192,password=secret]'.

import type {
  Admin,
  ConfigAlteration,
  ScramAlteration,
  ScramMechanism,
} from '../../client/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { UsageError } from '../command-line.ts';
import type { QuotaPart } from './quota-entity.ts';

const mechanisms: readonly ScramMechanism[] = ['SCRAM-SHA-256', 'SCRAM-SHA-512'];
const iterationsMin = 4096;

export function isScram(name: string): name is ScramMechanism {
  return (mechanisms as readonly string[]).includes(name);
}

/** Credentials belong to users alone; of the default user and of pairs nothing is said. */
export async function describeScram(admin: Admin, parts: readonly QuotaPart[]): Promise<void> {
  const [part] = parts;
  if (parts.length !== 1 || part?.type !== 'users' || part.name === null) return;
  const asked = part.name === undefined ? [] : [part.name];
  for (const { user, error, credentials } of await admin.credentials.describe(asked)) {
    if (error?.errorName === 'RESOURCE_NOT_FOUND') continue;
    if (error !== null) throw error;
    const texts = credentials.map(({ mechanism, iterations }) => {
      return `${mechanism}=iterations=${iterations}`;
    });
    const title = `SCRAM credential configs for user-principal '${user}' are`;
    process.stdout.write(`${title} ${texts.join(', ')}\n`);
  }
}

/** What is asked for; null when it is about quotas. */
export function scramAlterations(
  parts: readonly QuotaPart[],
  configs: readonly ConfigAlteration[],
): ScramAlteration[] | null {
  const [part] = parts;
  const ofScram = configs.filter(({ name }) => isScram(name));
  if (ofScram.length === 0 || parts.length !== 1 || part?.type !== 'users') return null;
  if (ofScram.length < configs.length) {
    throw new UsageError(
      "Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using " +
        '--bootstrap-server.',
    );
  }
  if (typeof part.name !== 'string') {
    throw new UsageError(
      'The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials ' +
        'using --bootstrap-server.',
    );
  }
  const user = part.name;
  return ofScram.map((config) => ({ user, ...credentialOf(config) }));
}

function credentialOf(config: ConfigAlteration): Omit<ScramAlteration, 'user'> {
  const mechanism = config.name as ScramMechanism;
  if (config.operation === 'delete') return { mechanism, password: null };
  const match = /^(?:iterations=(-?\d+),)?password=(.*)$/s.exec(config.value ?? '');
  if (match === null) {
    throw new UsageError(
      `Invalid credential property ${mechanism}=${config.value}; use ` +
        '[iterations=8192,password=...]',
    );
  }
  const [, given, password = ''] = match;
  const iterations = given === undefined || given === '-1' ? iterationsMin : Number(given);
  if (iterations < iterationsMin) {
    const least = `the minimum ${iterationsMin} required for ${mechanism}`;
    throw new UsageError(`Iterations ${iterations} is less than ${least}`);
  }
  return { mechanism, password, iterations };
}

export async function alterScram(
  admin: Admin,
  alterations: readonly ScramAlteration[],
): Promise<void> {
  for (const { error } of await admin.credentials.alter(alterations)) {
    if (error !== null) throw new KafkaError(error.errorName, error.message);
  }
  process.stdout.write(`Completed updating config for user ${alterations[0]?.user}.\n`);
}
