// kafka-acls: adds, removes and lists ACLs, with Kafka's flags, words and lines. What Kafka's tool
// prints in the order of its hashes is sorted here.

import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { pushAll } from '../base/push-all.ts';
import type { Admin } from '../client/index.ts';
import {
  type AclBinding,
  type AclFilter,
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
  anyAcl,
  nameOfCode,
} from '../security/acl/index.ts';
import { aclsToAdd, type Flags, filtersOf, principalsOf } from './acls/acl-flags.ts';
import { addClientFlags, withAdmin } from './client-flags.ts';
import { kafkaCommand, parseFlags, repeatable, UsageError } from './command-line.ts';

function aclsCommand(): Command {
  const command = kafkaCommand('kafka-acls.sh', 'Add, remove and list ACLs.')
    .option('--add', 'add ACLs')
    .option('--remove', 'remove ACLs: those that are named, or all of the resources')
    .option('--list', 'list the ACLs of the resources, or all')
    .addOption(repeatable('--topic <name>', 'a topic; * is all of them'))
    .addOption(repeatable('--group <name>', 'a consumer group; * is all of them'))
    .addOption(repeatable('--transactional-id <id>', 'a transactional id; * is all of them'))
    .addOption(repeatable('--delegation-token <id>', 'a delegation token; * is all of them'))
    .addOption(repeatable('--user-principal <TYPE:NAME>', 'a user, for rights on its tokens'))
    .option('--cluster', 'the cluster')
    .option('--resource-pattern-type <type>', 'literal, prefixed; to find: any, match', 'literal')
    .addOption(repeatable('--allow-principal <TYPE:NAME>', 'who is allowed'))
    .addOption(repeatable('--deny-principal <TYPE:NAME>', 'who is denied'))
    .addOption(repeatable('--allow-host <address>', 'from where (default *)'))
    .addOption(repeatable('--deny-host <address>', 'from where not (default *)'))
    .addOption(repeatable('--operation <name>', 'Read, Write, … (default All)'))
    .addOption(repeatable('--principal <TYPE:NAME>', 'with --list: of whom'))
    .option('--producer', 'what a producer needs on --topic, and on --transactional-id')
    .option('--consumer', 'what a consumer needs on --topic and --group')
    .option('--idempotent', 'with --producer: what an idempotent one needs of old brokers')
    .option('--force', 'do not ask')
    .option('--bootstrap-controller <host:port>', 'as --bootstrap-server')
    .option('--authorizer-properties <key=value>', 'is not served: use --bootstrap-server')
    .option('--authorizer <class>', 'is not served: use --bootstrap-server');
  addClientFlags(command, 'admin');
  return command;
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(aclsCommand(), args);
  if (flags.authorizerProperties !== undefined || flags.authorizer !== undefined) {
    const why = 'ACLs in the tree of a ZooKeeper are not served';
    throw new UsageError(`${why}: use --bootstrap-server host:port instead`);
  }
  if (flags.bootstrapController !== undefined) flags.bootstrapServer = flags.bootstrapController;
  const actions = [flags.add, flags.remove, flags.list].filter((each) => each === true);
  if (actions.length !== 1) {
    throw new UsageError('Command must include exactly one action: --list, --add, --remove. ');
  }
  const task = flags.add ? adding(flags) : flags.remove ? removing(flags) : listing(flags);
  return withAdmin('kafka-acls', flags, async (admin) => {
    await task(admin);
    return 0;
  });
}

type Task = (admin: Admin) => Promise<void>;

function adding(flags: Flags): Task {
  const acls = aclsToAdd(flags);
  return async (admin) => {
    for (const [pattern, ofPattern] of byPattern(acls)) {
      const isThere = await thoseOf(admin, ofPattern[0] as AclBinding);
      for (const acl of ofPattern.filter((each) => isThere.has(lineOf(each)))) {
        say(`Acl (pattern=${pattern}, entry=${lineOf(acl).trim()}) already exists.`);
      }
      const added = ofPattern.filter((each) => !isThere.has(lineOf(each)));
      if (added.length === 0) continue;
      say(`Adding ACLs for resource \`${pattern}\`: \n ${linesOf(added)}\n`);
      for (const { error } of await admin.acls.create(added)) if (error !== null) throw error;
    }
  };
}

/** The lines of the ACLs that are about the same resources. */
async function thoseOf(admin: Admin, acl: AclBinding): Promise<ReadonlySet<string>> {
  const { resourceType, resourceName, patternType } = acl;
  const filter = { ...anyAcl, resourceType, resourceName, patternType };
  return new Set((await admin.acls.describe(filter)).map(lineOf));
}

function removing(flags: Flags): Task {
  const filters = filtersOf(flags);
  const named = flags.allowPrincipal ?? flags.denyPrincipal;
  const isNamed = named !== undefined || flags.producer === true || flags.consumer === true;
  const acls = isNamed ? aclsToAdd(flags, true) : [];
  return async (admin) => {
    for (const filter of filters) {
      const ofFilter = acls.filter((acl) => isOf(acl, filter));
      const what = isNamed ? `remove ACLs: \n ${linesOf(ofFilter)} \n from` : 'delete all ACLs for';
      const place = `resource filter \`${patternText(filter)}\``;
      const question = `Are you sure you want to ${what} ${place}?`;
      if (flags.force !== true && !(await isYes(`${question} (y/n)`))) continue;
      const wanted: AclFilter[] = isNamed
        ? ofFilter.map((acl) => ({ ...acl, patternType: filter.patternType }))
        : [filter];
      for (const { error } of await admin.acls.delete(wanted)) if (error !== null) throw error;
    }
  };
}

function isOf(acl: AclBinding, filter: AclFilter): boolean {
  return acl.resourceType === filter.resourceType && acl.resourceName === filter.resourceName;
}

function listing(flags: Flags): Task {
  const principals = principalsOf(flags.principal);
  const filters = filtersOf(flags, true);
  return async (admin) => {
    const found: AclBinding[] = [];
    for (const filter of filters.length === 0 ? [anyAcl] : filters) {
      pushAll(found, await admin.acls.describe(filter));
    }
    if (principals.length === 0) sayCurrent(found);
    for (const principal of principals) {
      say(`ACLs for principal \`${principal}\``);
      sayCurrent(found.filter((acl) => acl.principal === principal));
    }
  };
}

function sayCurrent(acls: readonly AclBinding[]): void {
  for (const [pattern, ofPattern] of byPattern(acls)) {
    say(`Current ACLs for resource \`${pattern}\`:\n${linesOf(ofPattern)}\n`);
  }
}

function byPattern(acls: readonly AclBinding[]): [string, AclBinding[]][] {
  const groups = new Map<string, Map<string, AclBinding>>();
  for (const acl of acls) {
    const pattern = patternText(acl);
    const group = groups.get(pattern) ?? new Map<string, AclBinding>();
    groups.set(pattern, group.set(lineOf(acl), acl));
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([pattern, group]) => [pattern, [...group.values()]]);
}

function patternText(pattern: {
  readonly resourceType: number;
  readonly resourceName: string | null;
  readonly patternType: number;
}): string {
  const type = nameOfCode(AclResource, pattern.resourceType);
  const kind = nameOfCode(AclPattern, pattern.patternType);
  return `ResourcePattern(resourceType=${type}, name=${pattern.resourceName}, patternType=${kind})`;
}

function linesOf(acls: readonly AclBinding[]): string {
  return acls.map(lineOf).sort().join('\n');
}

function lineOf({ principal, host, operation, permissionType }: AclBinding): string {
  const what = nameOfCode(AclOperation, operation);
  const permission = nameOfCode(AclPermission, permissionType);
  const who = `principal=${principal}, host=${host}`;
  return `\t(${who}, operation=${what}, permissionType=${permission})`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function isYes(question: string): Promise<boolean> {
  say(question);
  const input = createInterface({ input: process.stdin });
  try {
    for await (const line of input) return line.trim().toLowerCase() === 'y';
    return false;
  } finally {
    input.close();
  }
}
