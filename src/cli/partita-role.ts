// partita role: named bundles of ACLs that users are given as a whole. A role is made with flags of
// kafka-acls, which can add to it, too: it is the principal `Role:NAME`. How roles are kept stands
// in src/security/acl/roles.ts.

import type { Command } from 'commander';
import type { Admin } from '../client/index.ts';
import {
  type AclBinding,
  type AclFilter,
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
  anyAcl,
  grantedRole,
  grantOf,
  isRoleName,
  nameOfCode,
  roleOfPrincipal,
  rolePrincipal,
  wildcard,
} from '../security/acl/index.ts';
import { type Flags as AclFlags, aclsToAdd, principalsOf } from './acls/acl-flags.ts';
import { addClientFlags, withAdmin } from './client-flags.ts';
import { kafkaCommand, parseFlags, repeatable, UsageError } from './command-line.ts';
import { splitAction } from './sub-command.ts';

interface Flags extends AclFlags {
  role?: string;
  host?: string;
}

const actions = ['create', 'list', 'describe', 'grant', 'revoke', 'delete'] as const;
type Action = (typeof actions)[number];

function roleCommand(): Command {
  const command = kafkaCommand('partita role', 'Roles: bundles of ACLs that users are given.')
    .usage(`{${actions.join(',')}} --role NAME [options]`)
    .option('--role <name>', 'which role; list takes none')
    .addOption(repeatable('--principal <TYPE:NAME>', 'grant, revoke: who, such as User:alice'))
    .option('--host <address>', 'grant, revoke: from where (default *)')
    .addOption(repeatable('--topic <name>', 'create: a topic; * is all of them'))
    .addOption(repeatable('--group <name>', 'create: a consumer group'))
    .addOption(repeatable('--transactional-id <id>', 'create: a transactional id'))
    .option('--cluster', 'create: the cluster')
    .option('--resource-pattern-type <type>', 'create: literal or prefixed', 'literal')
    .addOption(repeatable('--operation <name>', 'create: Read, Write, … (default All)'))
    .option('--producer', 'create: what a producer needs on --topic, and on --transactional-id')
    .option('--consumer', 'create: what a consumer needs on --topic and --group');
  addClientFlags(command, 'admin');
  return command;
}

export async function run(args: readonly string[]): Promise<number> {
  const { action, flags: rest } = splitAction(args, actions);
  const flags = parseFlags<Flags>(roleCommand(), rest);
  const task = taskOf(action as Action, flags);
  return withAdmin('role', flags, async (admin) => {
    await task(admin);
    return 0;
  });
}

type Task = (admin: Admin) => Promise<void>;

function taskOf(action: Action, flags: Flags): Task {
  if (action === 'list') return list;
  const name = nameOf(flags);
  switch (action) {
    case 'create':
      return creating(name, flags);
    case 'describe':
      return (admin) => describe(admin, name);
    case 'grant':
      return granting(name, flags);
    case 'revoke':
      return revoking(name, flags);
    default:
      return (admin) => remove(admin, name);
  }
}

/** @throws UsageError */
function nameOf({ role }: Flags): string {
  if (role === undefined) throw new UsageError('name the role: --role NAME');
  if (isRoleName(role)) return role;
  throw new UsageError(
    `--role ${role}: a name has 1 to 100 letters, digits and the characters ._-`,
  );
}

function creating(name: string, flags: Flags): Task {
  const { principal: _, ...given } = flags;
  const acls = aclsToAdd({ ...given, allowPrincipal: [rolePrincipal(name)] });
  return async (admin) => {
    if ((await aclsOf(admin, name)).length > 0) {
      const how = `kafka-acls.sh --add --allow-principal ${rolePrincipal(name)} adds to it`;
      throw new UsageError(`there is a role ${name} already: ${how}`);
    }
    for (const { error } of await admin.acls.create(acls)) if (error !== null) throw error;
    say(`Created role ${name}:\n${linesOf(acls)}`);
  };
}

async function list(admin: Admin): Promise<void> {
  const roles = new Map<string, { acls: number; holders: Set<string> }>();
  const entry = (name: string) => {
    const known = roles.get(name) ?? { acls: 0, holders: new Set<string>() };
    roles.set(name, known);
    return known;
  };
  for (const acl of await admin.acls.describe(anyAcl)) {
    const [own, granted] = [roleOfPrincipal(acl.principal), grantedRole(acl)];
    if (own !== null) entry(own).acls++;
    if (granted !== null) entry(granted).holders.add(acl.principal);
  }
  for (const [name, { acls, holders }] of [...roles].sort(([a], [b]) => (a < b ? -1 : 1))) {
    say(`${name}: ${count(acls, 'ACL')}, given to ${count(holders.size, 'principal')}`);
  }
}

async function describe(admin: Admin, name: string): Promise<void> {
  const acls = await existing(admin, name);
  say(`Role ${name}:\n${linesOf(acls)}`);
  const grants = await admin.acls.describe(grantsOf(name));
  const holders = grants.filter((acl) => grantedRole(acl) === name).map(holderOf);
  say(holders.length === 0 ? 'given to nobody' : `given to\n${holders.sort().join('\n')}`);
}

function granting(name: string, flags: Flags): Task {
  const grants = grantsWanted(name, flags);
  return async (admin) => {
    await existing(admin, name);
    for (const { error } of await admin.acls.create(grants)) if (error !== null) throw error;
    say(`Role ${name} is given to\n${grants.map(holderOf).join('\n')}`);
  };
}

function revoking(name: string, flags: Flags): Task {
  const grants = grantsWanted(name, flags);
  return async (admin) => {
    const results = await admin.acls.delete(grants);
    for (const [index, { error, acls }] of results.entries()) {
      if (error !== null) throw error;
      const holder = holderOf(grants[index] as AclBinding).trim();
      if (acls.length === 0)
        throw new UsageError(`${holder} has no role ${name}: see role describe`);
    }
    say(`Role ${name} is taken from\n${grants.map(holderOf).join('\n')}`);
  };
}

/** In one request, after which nobody has the role or its rights. */
async function remove(admin: Admin, name: string): Promise<void> {
  await existing(admin, name);
  const filters = [ofRole(name), grantsOf(name)];
  for (const { error } of await admin.acls.delete(filters)) if (error !== null) throw error;
  say(`Deleted role ${name}.`);
}

/** @throws UsageError */
function grantsWanted(name: string, { principal, host }: Flags): AclBinding[] {
  const principals = principalsOf(principal);
  if (principals.length === 0) throw new UsageError('name who: --principal User:NAME');
  return principals.map((each) => {
    if (roleOfPrincipal(each) === null) return grantOf(name, each, host ?? wildcard);
    throw new UsageError(`${each}: a role has no roles; give it ACLs with kafka-acls.sh`);
  });
}

/** @throws UsageError */
async function existing(admin: Admin, name: string): Promise<AclBinding[]> {
  const acls = await aclsOf(admin, name);
  if (acls.length > 0) return acls;
  throw new UsageError(`there is no role ${name}: partita role list shows those that there are`);
}

const ofRole = (name: string): AclFilter => ({ ...anyAcl, principal: rolePrincipal(name) });

const grantsOf = (name: string): AclFilter => ({
  ...grantOf(name, ''),
  principal: null,
  host: null,
});

function aclsOf(admin: Admin, name: string): Promise<AclBinding[]> {
  return admin.acls.describe(ofRole(name)) as Promise<AclBinding[]>;
}

function holderOf({ principal, host }: AclBinding): string {
  return host === wildcard ? `  ${principal}` : `  ${principal} from ${host}`;
}

function linesOf(acls: readonly AclBinding[]): string {
  return acls.map(lineOf).sort().join('\n');
}

function lineOf(acl: AclBinding): string {
  const { resourceType, resourceName, patternType, operation, permissionType, host } = acl;
  const verb = permissionType === AclPermission.ALLOW ? 'may' : 'may not';
  const what = nameOfCode(AclOperation, operation);
  const type = nameOfCode(AclResource, resourceType);
  const pattern = patternType === AclPattern.PREFIXED ? `${resourceName}… (prefix)` : resourceName;
  return `  ${verb} ${what} on ${type} ${pattern}${host === wildcard ? '' : ` from ${host}`}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
