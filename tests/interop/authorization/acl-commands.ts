// What kafka-acls.sh is told, line by line, and what it says to that: Kafka's tool and ours at a
// broker each. The last lines take away what the others added.

import type { ProgramResult } from '../../run-program.ts';

/** Whoever may alter ACLs here has to be among those of the cluster. */
const self = '--allow-principal User:ANONYMOUS --allow-host 127.0.0.1 --cluster';

export const commands: readonly string[] = [
  '--list',
  `--add ${self}`,
  // By each kind of resource.
  '--add --allow-principal User:alice --operation Read --operation Write --topic t --topic u',
  '--add --allow-principal User:alice --allow-principal User:bob --operation Read --group g',
  '--add --deny-principal User:mallory --deny-host 10.0.0.1 --operation All --topic t',
  '--add --allow-principal User:a --deny-principal User:b --operation Read --topic v',
  '--add --allow-principal User:a --allow-host 10.0.0.1 --allow-host 10.0.0.2 --topic v',
  '--add --allow-principal User:alice --topic *',
  '--add --allow-principal User:alice --operation Describe --operation Write --transactional-id x',
  '--add --allow-principal User:alice --operation TwoPhaseCommit --transactional-id x',
  '--add --allow-principal User:alice --operation Describe --delegation-token d',
  '--add --allow-principal User:alice --operation CreateTokens --user-principal User:bob',
  '--add --allow-principal User:alice --operation describetokens --user-principal User:bob',
  '--add --allow-principal User:alice --operation IdempotentWrite --cluster',
  '--add --allow-principal User:alice --operation alterconfigs --topic t',
  // By what stands for several.
  '--add --allow-principal User:p --producer --topic t',
  '--add --allow-principal User:p --producer --idempotent --topic t --transactional-id x',
  '--add --allow-principal User:c --consumer --topic t --group g',
  '--add --allow-principal User:pc --producer --consumer --topic t --group g',
  '--add --allow-principal User:pc --producer --consumer --idempotent --topic t --group g',
  '--add --allow-principal User:p --producer --topic t --resource-pattern-type prefixed',
  '--add --allow-principal User:c --consumer --topic t --group * --allow-host 10.0.0.9',
  // Prefixes, and what is found by them.
  '--add --allow-principal User:d --operation Read --topic pre --resource-pattern-type prefixed',
  '--add --allow-principal User:d --operation Read --topic pre --resource-pattern-type PREFIXED',
  '--list --topic pre',
  '--list --topic pre --resource-pattern-type prefixed',
  '--list --topic prefix --resource-pattern-type match',
  '--list --topic pre --resource-pattern-type any',
  '--list --topic prefix --group g --resource-pattern-type match',
  '--list --topic t',
  '--list --cluster',
  '--list --cluster --resource-pattern-type match',
  '--list --group g --transactional-id x --delegation-token d --user-principal User:bob',
  '--list --principal User:alice',
  '--list --principal User:alice --principal User:nobody',
  '--list --principal User:alice --topic t',
  '--list',
  // Some of it is taken away.
  '--remove --force --allow-principal User:alice --operation Write --topic t',
  '--remove --force --allow-principal User:nobody --operation Write --topic t',
  '--remove --force --allow-principal User:p --producer --topic t',
  '--remove --force --allow-principal User:c --consumer --topic t --group g',
  '--remove --force --deny-principal User:mallory --deny-host 10.0.0.1 --topic t',
  '--list --topic t --group g',
  '--remove --force --topic u',
  '--list --topic u',
  '--remove --force --topic pre --resource-pattern-type any',
  '--list --topic pre --resource-pattern-type match',
  // Empty names, and what is passed over.
  '--add --allow-principal User: --topic empty',
  '--add --allow-principal :alice --topic empty',
  '--add --allow-principal : --topic empty',
  '--list --topic empty',
  '--list --operation Read --topic t',
  // All of it goes, the right to take it away last.
  '--list',
  '--remove --force --topic * --topic t --topic u --topic v --topic empty',
  '--remove --force --topic t --resource-pattern-type prefixed',
  '--remove --force --group g --group * --transactional-id x --delegation-token d',
  '--remove --force --user-principal User:bob',
  '--list',
  '--remove --force --cluster',
  '--list',
];

/** Nonsense, of which no broker hears. */
export const refused: readonly string[] = [
  '',
  '--add',
  '--add --list',
  '--add --remove --topic t',
  '--list --add --remove',
  '--add --topic t',
  '--add --allow-principal User:alice',
  '--add --allow-principal alice --topic t',
  '--add --allow-principal User:alice --operation Nonsense --topic t',
  '--add --allow-principal User:alice --operation Any --topic t',
  '--add --allow-principal User:alice --operation Unknown --topic t',
  '--add --allow-principal User:alice --operation ClusterAction --topic t',
  '--add --allow-principal User:alice --operation Read --cluster',
  '--add --allow-principal User:alice --operation Write --group g',
  '--add --allow-principal User:alice --operation Read --user-principal User:bob',
  '--add --allow-principal User:alice --topic t --resource-pattern-type match',
  '--add --allow-principal User:alice --topic t --resource-pattern-type any',
  '--add --allow-principal User:alice --cluster --resource-pattern-type prefixed',
  '--add --allow-principal User:alice --producer',
  '--add --allow-principal User:alice --producer --topic t --operation Read',
  '--add --deny-principal User:alice --producer --topic t',
  '--add --allow-principal User:alice --deny-host 10.0.0.1 --producer --topic t',
  '--add --allow-principal User:alice --producer --group g',
  '--add --allow-principal User:alice --consumer --topic t',
  '--add --allow-principal User:alice --consumer --group g',
  '--add --allow-principal User:alice --consumer --topic t --group g --cluster',
  '--add --allow-principal User:alice --consumer --topic t --group g --transactional-id x',
  '--add --allow-principal User:alice --idempotent --topic t',
  '--add --allow-principal User:alice --idempotent --consumer --topic t --group g',
  '--add --allow-host 10.0.0.1 --topic t',
  '--list --allow-principal User:alice',
  '--list --producer --topic t',
  '--list --deny-host 10.0.0.1',
  '--list --principal alice',
  '--add --principal User:alice --topic t',
  '--remove --force --principal User:alice --topic t',
  '--remove --force',
  '--remove --force --allow-principal User:alice',
  '--add --allow-principal User:alice --operation Alter_Configs --topic t',
];

/** What options cannot be: the library that reads those of Kafka has words of its own for that. */
export const refusedInOtherWords: readonly string[] = [
  '--add --allow-principal User:alice --topic t --resource-pattern-type nonsense',
  '--add --allow-principal User:alice --topic t --resource-pattern-type unknown',
  '--remove --force --topic t --resource-pattern-type nonsense',
  '--list --nonsense',
  '--add --allow-principal User:alice --topic',
];

export type AclTool = (args: readonly string[]) => Promise<ProgramResult>;

/** At a broker, command after command: each with its exit code and what it printed. */
export async function sayAll(
  tool: AclTool,
  port: number,
  commands: readonly string[],
): Promise<string[]> {
  const said: string[] = [];
  for (const command of commands) {
    const args = command.split(' ').filter((word) => word !== '');
    // The address in front: a flag that lacks its value would take it for that.
    const { code, stdout, stderr } = await tool([
      ...['--bootstrap-server', `127.0.0.1:${port}`, ...args],
    ]);
    const isOfOptions = refusedInOtherWords.includes(command);
    const printed = isOfOptions ? [] : linesOf(stdout + stderr, code === 0);
    said.push([`${command} = ${code}`, ...printed].join('\n'));
  }
  return said;
}

const tools = /^(kafka-acls|Error while executing ACL command): /;
const heading = /^((Adding|Current) ACLs for resource |ACLs for principal |Acl \(pattern=)/;

/**
 * Kafka prints ACLs and names of operations in the order of its hashes, and behind what is wrong
 * all of its flags or a stack.
 */
function linesOf(text: string, isRight: boolean): string[] {
  const lines = text
    .replace(/\[([A-Z_]+(, [A-Z_]+)+)\]/g, (_, names: string) => sortedNames(names))
    .split('\n')
    .map((line) => line.replace(tools, '').trim())
    .filter((line) => line !== '');
  if (!isRight) return lines.slice(0, 1);
  const blocks: string[][] = [];
  for (const line of lines) {
    if (heading.test(line) || blocks.length === 0) blocks.push([]);
    blocks.at(-1)?.push(line);
  }
  return blocks.map(([first, ...rest]) => [first, ...rest.sort()].join('\n')).sort();
}

function sortedNames(names: string): string {
  return `[${names.split(', ').sort().join(', ')}]`;
}
