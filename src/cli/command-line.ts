// How the tools read their command lines: Kafka's flags, by name and in any order, with Kafka's
// old spellings beside the new ones. On top of commander: an unknown flag is answered with the
// nearest known one, a flag that Kafka has removed with what to use instead, and what commander
// would end the process for is thrown, in the terms of tool.ts.

import { Command, type CommanderError, InvalidArgumentError, Option } from 'commander';
import { nearestName } from '../base/nearest-name.ts';
import { HelpShown, parsePair, UsageError } from './tool.ts';
import { version } from './version.ts';

export { UsageError } from './tool.ts';

/** Flags that Kafka once had, and what does their work now. */
const removedFlags: Readonly<Record<string, string>> = {
  '--zookeeper': 'there is no ZooKeeper any more; use --bootstrap-server host:port',
  '--new-consumer': 'there is one consumer; leave it out',
  '--whitelist': 'use --include',
  '--blacklist': 'use --include with an expression that does not match them',
  '--queue-size': 'use --max-memory-bytes',
  '--queue-enqueuetimeout-ms': 'use --max-block-ms',
  '--key-serializer': 'keys are sent as the bytes that are read',
  '--value-serializer': 'values are sent as the bytes that are read',
  '--max-wait-ms': 'use --command-config with request.timeout.ms',
  '--old-producer': 'there is one producer; leave it out',
};

/** A command in Kafka's manner: flags only, no positional arguments unless they are declared. */
export function kafkaCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .helpOption('--help', 'print this')
    .version(version(), '--version', 'print the version')
    .allowExcessArguments(false)
    .exitOverride(onExit)
    .configureHelp({ helpWidth: 100 })
    .configureOutput({ outputError: () => {} });
}

function onExit(error: CommanderError): never {
  if (error.exitCode === 0) throw new HelpShown();
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  throw new UsageError(`${message} (see --help)`);
}

/** Reads the flags. Like Kafka's tools, understands a flag by any beginning that only it has. */
export function parseFlags<Flags extends object>(command: Command, args: readonly string[]): Flags {
  return command.parse(completeFlags(command, args), { from: 'user' }).opts<Flags>();
}

function completeFlags(command: Command, args: readonly string[]): string[] {
  const known = new Map(command.options.map((option) => [option.long, option]));
  const completed: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (!arg.startsWith('--') || arg === '--help') {
      completed.push(arg);
      continue;
    }
    const [flag, value] = splitOnce(arg, '=');
    const name = known.has(flag) ? flag : complete(command, flag);
    completed.push(value === null ? name : `${name}=${value}`);
    // What follows a flag that takes a value is that value, whatever it looks like.
    const takesNext = known.get(name)?.required === true && value === null;
    const next = args[index + 1];
    if (!takesNext || next === undefined) continue;
    completed.push(next);
    index++;
  }
  return completed;
}

function complete(command: Command, flag: string): string {
  const removed = removedFlags[flag];
  if (removed !== undefined) throw new UsageError(`${flag} was removed from Kafka: ${removed}`);
  const shown = command.options.filter((option) => !option.hidden);
  const names = shown.map((option) => option.long as string);
  const begun = names.filter((name) => name.startsWith(flag));
  if (begun.length === 1) return begun[0] as string;
  if (begun.length > 1) {
    throw new UsageError(`${flag} is not clear: it could be ${begun.join(' or ')}`);
  }
  const nearest = nearestName(flag, names);
  const hint = nearest === null ? '' : `; did you mean ${nearest}?`;
  throw new UsageError(`there is no option ${flag}${hint} (see --help)`);
}

function splitOnce(text: string, separator: string): [string, string | null] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

/** Throws in Kafka's words unless all of the flags were given. */
export function requireFlags(flags: object, ...names: readonly string[]): void {
  for (const name of names) {
    if (flagValue(flags, name) === undefined) {
      throw new UsageError(`Missing required argument "[${name}]" (see --help)`);
    }
  }
}

/** Throws in Kafka's words if `name` was given together with one of the others. */
export function refuseTogether(flags: object, name: string, others: readonly string[]): void {
  if (flagValue(flags, name) === undefined) return;
  for (const other of others) {
    if (flagValue(flags, other) === undefined) continue;
    throw new UsageError(`Option "[${name}]" can't be used with option "[${other}]"`);
  }
}

function flagValue(flags: object, name: string): unknown {
  const key = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return (flags as Record<string, unknown>)[key];
}

/** An option that may be given several times; its value is the list of what was given. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, before: string[] | undefined) => [
    ...(before ?? []),
    value,
  ]);
}

/** An old or rare spelling: understood, but not shown in the help. */
export function hidden(option: Option): Option {
  return option.hideHelp();
}

export function integer(name: string, min: number, max = 2 ** 31 - 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`${name} is a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** `key=value` pairs, as `--config`, `--property` and their like take them. */
export function parsePairs(texts: readonly string[] | undefined, flag: string): [string, string][] {
  return (texts ?? []).map((text) => parsePair(text, flag));
}
