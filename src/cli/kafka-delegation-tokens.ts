// kafka-delegation-tokens: makes, renews, ends and describes delegation tokens (KIP-48), with
// Kafka's flags, words and lines.

import { type Command, InvalidArgumentError } from 'commander';
import type { Admin, DelegationTokenDescription, TokenPrincipal } from '../client/index.ts';
import { principalsOf } from './acls/acl-flags.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import {
  kafkaCommand,
  parseFlags,
  refuseTogether,
  repeatable,
  requireFlags,
  UsageError,
} from './command-line.ts';
import { simpleDateFormat } from './consumer-perf/simple-date-format.ts';

interface Flags extends ClientFlags {
  create?: boolean;
  renew?: boolean;
  expire?: boolean;
  describe?: boolean;
  ownerPrincipal?: string[];
  renewerPrincipal?: string[];
  maxLifeTimePeriod?: bigint;
  renewTimePeriod?: bigint;
  expiryTimePeriod?: bigint;
  hmac?: string;
}

function tokensCommand(): Command {
  const command = kafkaCommand(
    'kafka-delegation-tokens.sh',
    'Make, renew, expire and describe delegation tokens.',
  )
    .option('--create', 'make a token: --max-life-time-period, --renewer-principal')
    .option('--renew', 'let a token live on: --hmac, --renew-time-period')
    .option('--expire', 'let a token end: --hmac, --expiry-time-period')
    .option('--describe', 'print the tokens that we may see')
    .addOption(repeatable('--owner-principal <TYPE:NAME>', 'whose token; with --describe several'))
    .addOption(repeatable('--renewer-principal <TYPE:NAME>', 'who may renew it (repeat)'))
    .option('--max-life-time-period <ms>', '-1: as long as the broker allows', period)
    .option('--renew-time-period <ms>', 'from now; -1: as long as the broker allows', period)
    .option('--expiry-time-period <ms>', 'from now; -1: at once', period)
    .option('--hmac <base64>', 'the secret of the token');
  addClientFlags(command, 'admin');
  return command;
}

/** A long of Java's. */
function period(text: string): bigint {
  const isWhole = /^[+-]?\d+$/.test(text);
  if (!isWhole || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) {
    throw new InvalidArgumentError('A time is a whole number of milliseconds, or -1.');
  }
  return BigInt(text);
}

type Task = (admin: Admin) => Promise<void>;

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(tokensCommand(), args);
  const { create, renew, expire, describe } = flags;
  if ([create, renew, expire, describe].filter((each) => each === true).length !== 1) {
    const actions = '--create, --renew, --expire or --describe';
    throw new UsageError(`Command must include exactly one action: ${actions}`);
  }
  assertTogether(flags);
  const task = create ? creating : renew ? renewing : expire ? expiring : describing;
  const work = task(flags);
  return withAdmin('kafka-delegation-tokens', flags, async (admin) => {
    await work(admin);
    return 0;
  });
}

/** @throws UsageError, in the words of Kafka's tool */
function assertTogether(flags: Flags): void {
  if (flags.create) requireFlags(flags, 'max-life-time-period');
  if (flags.renew) requireFlags(flags, 'hmac', 'renew-time-period');
  if (flags.expire) requireFlags(flags, 'hmac', 'expiry-time-period');
  refuseTogether(flags, 'create', ['hmac', 'renew-time-period', 'expiry-time-period']);
  const ofCreation = ['renewer-principal', 'max-life-time-period', 'owner-principal'];
  refuseTogether(flags, 'renew', [...ofCreation, 'expiry-time-period']);
  refuseTogether(flags, 'expire', [...ofCreation, 'renew-time-period']);
  const ofOne = ['renew-time-period', 'max-life-time-period', 'hmac', 'expiry-time-period'];
  refuseTogether(flags, 'describe', ofOne);
}

function creating(flags: Flags): Task {
  const renewers = principalsOf(flags.renewerPrincipal);
  const [owner] = principalsOf(flags.ownerPrincipal);
  const maxLifetimeMs = flags.maxLifeTimePeriod as bigint;
  return async ({ tokens }) => {
    const what = `renewers :${listed(renewers)} , max-life-time-period :${maxLifetimeMs}`;
    say(`Calling create token operation with ${what}\n`);
    const token = await tokens.create({
      ...(owner === undefined ? {} : { owner: principalOf(owner) }),
      renewers: renewers.map(principalOf),
      maxLifetimeMs: Number(maxLifetimeMs),
    });
    say(`Created delegation token with tokenId : ${token.tokenId}\n`);
    sayTokens([token]);
  };
}

function renewing(flags: Flags): Task {
  const [hmac, renewMs] = [hmacOf(flags), flags.renewTimePeriod as bigint];
  return async ({ tokens }) => {
    const what = `hmac :${flags.hmac} , renew-time-period :${renewMs}`;
    say(`Calling renew token operation with ${what}\n`);
    const expiry = await tokens.renew(hmac, Number(renewMs));
    say(`Completed renew operation. New expiry date : ${dateOf(expiry)}`);
  };
}

function expiring(flags: Flags): Task {
  const [hmac, expiryMs] = [hmacOf(flags), flags.expiryTimePeriod as bigint];
  return async ({ tokens }) => {
    const what = `hmac :${flags.hmac} , expire-time-period :${expiryMs}`;
    say(`Calling expire token operation with ${what}\n`);
    const expiry = await tokens.expire(hmac, Number(expiryMs));
    say(`Completed expire operation. New expiry date : ${dateOf(expiry)}`);
  };
}

function describing(flags: Flags): Task {
  const owners = principalsOf(flags.ownerPrincipal);
  return async ({ tokens }) => {
    const whose = owners.length === 0 ? 'current user.' : `owners: ${listed(owners)}`;
    say(`Calling describe token operation for ${whose}\n`);
    const found = await tokens.describe(owners.map(principalOf));
    say(`Total number of tokens : ${found.length}`);
    sayTokens(found);
  };
}

/** @throws UsageError */
function hmacOf({ hmac = '' }: Flags): Buffer {
  const bytes = Buffer.from(hmac, 'base64');
  if (bytes.toString('base64') === hmac) return bytes;
  throw new UsageError('--hmac is the secret of a token, in base64');
}

function principalOf(text: string): TokenPrincipal {
  const colon = text.indexOf(':');
  return { type: text.slice(0, colon), name: text.slice(colon + 1) };
}

const widths = [15, 30, 15, 15, 25, 15, 15, 15];
const header = 'TOKENID HMAC OWNER REQUESTER RENEWERS ISSUEDATE EXPIRYDATE MAXDATE'.split(' ');

function sayTokens(tokens: readonly DelegationTokenDescription[]): void {
  const rows = tokens.map((token) => [
    token.tokenId,
    token.hmac.toString('base64'),
    textOf(token.owner),
    textOf(token.requester),
    listed(token.renewers.map(textOf)),
    dateOf(token.issueTimestamp),
    dateOf(token.expiryTimestamp),
    dateOf(token.maxTimestamp),
  ]);
  for (const row of [header, ...rows]) {
    say(`\n${row.map((cell, index) => cell.padEnd(widths[index] as number)).join(' ')}\n`);
  }
}

function textOf({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${type}:${name}`;
}

function listed(texts: readonly string[]): string {
  return `[${texts.join(', ')}]`;
}

const format = simpleDateFormat("yyyy-MM-dd'T'HH:mm");

function dateOf(timestampMs: number): string {
  return format(timestampMs);
}

function say(text: string): void {
  process.stdout.write(text);
}
