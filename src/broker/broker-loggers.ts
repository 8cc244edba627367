// The loggers of this broker as a resource with configs (KIP-412): one entry per component, whose
// value is its level. Levels are not kept: after a restart they are what the start asked for.

import { type ConfigEntry, ConfigSource } from '../config/index.ts';
import { type Log, LogLevels } from '../io/index.ts';
import { AlterConfigOp } from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';

interface LoggerOp {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

export function brokerLoggerEntries(log: Log): ConfigEntry[] {
  return [...(log.levels?.entries() ?? [])].map(([name, value]) => ({
    name,
    value,
    configSource: ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG,
    readOnly: false,
    isSensitive: false,
    synonyms: [],
    configType: 2,
    documentation: '',
  }));
}

/**
 * Judges all operations, then carries them out.
 * @throws KafkaError INVALID_REQUEST, INVALID_CONFIG
 */
export function alterBrokerLoggers(
  log: Log,
  ops: readonly LoggerOp[],
  validateOnly: boolean,
): void {
  const { levels } = log;
  if (levels === undefined) throw new KafkaError('INVALID_REQUEST', 'Loggers have no levels here');
  for (const op of ops) assertOp(levels, op);
  if (validateOnly) return;
  for (const { name, configOperation, value } of ops) {
    if (configOperation === AlterConfigOp.DELETE) levels.unset(name);
    else levels.set(name, value ?? '');
  }
}

function assertOp(levels: LogLevels, { name, configOperation, value }: LoggerOp): void {
  if (configOperation === AlterConfigOp.APPEND || configOperation === AlterConfigOp.SUBTRACT) {
    const word = configOperation === AlterConfigOp.APPEND ? 'APPEND' : 'SUBTRACT';
    const why = `${word} operation is not allowed for the BROKER_LOGGER resource`;
    throw new KafkaError('INVALID_REQUEST', why);
  }
  if (!levels.has(name)) {
    throw new KafkaError('INVALID_CONFIG', `Logger ${name} does not exist!`);
  }
  if (configOperation === AlterConfigOp.DELETE) {
    if (name !== 'root') return;
    const why = 'Removing the log level of the root logger is not allowed';
    throw new KafkaError('INVALID_REQUEST', why);
  }
  if (value !== null && LogLevels.words.includes(value)) return;
  const known = `Valid log levels are ${LogLevels.words.join(', ')}`;
  const why = `Cannot set the log level of ${name} to ${value} as it is not a supported log level`;
  throw new KafkaError('INVALID_CONFIG', `${why}. ${known}`);
}
