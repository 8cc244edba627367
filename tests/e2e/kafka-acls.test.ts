// kafka-acls.sh: the lines and refusals of Kafka's tool of 4.3.1, as recorded from it; what that
// one prints in the order of its hashes is sorted here.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';

const tool = join(projectRoot, 'bin/kafka-acls.sh');

const pattern = (type: string, name: string): string => {
  return `ResourcePattern(resourceType=${type}, name=${name}, patternType=LITERAL)`;
};
const line = (principal: string, host: string, operation: string): string => {
  return `\t(principal=${principal}, host=${host}, operation=${operation}, permissionType=ALLOW)`;
};

test('kafka-acls adds, lists and removes ACLs', { timeout: 120_000 }, async () => {
  const broker = await BrokerProcess.start({
    config: {
      'authorizer.class.name': 'kafka.security.auth.SimpleAclAuthorizer',
      'super.users': 'User:ANONYMOUS',
    },
  });
  const run = async (...args: string[]): Promise<{ code: number | null; lines: string[] }> => {
    const all = [...args, '--bootstrap-server', broker.bootstrapServers];
    const { code, stdout, stderr } = await runProgram(tool, all);
    return { code, lines: `${stdout}${stderr}`.trimEnd().split('\n') };
  };
  try {
    const hosts = ['--allow-host', '10.0.0.1', '--allow-host', '10.0.0.2'];
    const alice = ['--allow-principal', 'User:alice', ...hosts, '--operation', 'Read'];
    assert.deepEqual(await run('--add', ...alice, '--topic', 't'), {
      code: 0,
      lines: [
        `Adding ACLs for resource \`${pattern('TOPIC', 't')}\`: `,
        ` ${line('User:alice', '10.0.0.1', 'READ')}`,
        line('User:alice', '10.0.0.2', 'READ'),
      ],
    });
    const producer = ['--producer', '--transactional-id', 'x', '--idempotent', '--topic', 't'];
    const added = await run('--add', '--allow-principal', 'User:p', ...producer);
    assert.deepEqual(added.lines, [
      `Adding ACLs for resource \`${pattern('CLUSTER', 'kafka-cluster')}\`: `,
      ` ${line('User:p', '*', 'IDEMPOTENT_WRITE')}`,
      '',
      `Adding ACLs for resource \`${pattern('TOPIC', 't')}\`: `,
      ` ${line('User:p', '*', 'CREATE')}`,
      line('User:p', '*', 'DESCRIBE'),
      line('User:p', '*', 'WRITE'),
      '',
      `Adding ACLs for resource \`${pattern('TRANSACTIONAL_ID', 'x')}\`: `,
      ` ${line('User:p', '*', 'DESCRIBE')}`,
      line('User:p', '*', 'WRITE'),
    ]);
    assert.deepEqual((await run('--list', '--principal', 'User:alice')).lines, [
      'ACLs for principal `User:alice`',
      `Current ACLs for resource \`${pattern('TOPIC', 't')}\`:`,
      line('User:alice', '10.0.0.1', 'READ'),
      line('User:alice', '10.0.0.2', 'READ'),
    ]);
    await run('--remove', '--force', ...alice, '--topic', 't');
    assert.deepEqual((await run('--list', '--principal', 'User:alice')).lines, [
      'ACLs for principal `User:alice`',
    ]);
    await run('--remove', '--force', '--topic', 't');
    assert.deepEqual((await run('--list', '--topic', 't')).lines, ['']);
    const refused = async (...args: string[]): Promise<string> => {
      const { code, lines } = await run(...args);
      assert.equal(code, 1);
      assert.equal(lines.length, 1);
      return lines[0] as string;
    };
    assert.match(
      await refused('--add', '--allow-principal', 'alice', '--topic', 't'),
      /expected a string in format principalType:principalName but got alice$/,
    );
    assert.match(await refused('--add', '--list'), /must include exactly one action/);
    assert.match(
      await refused('--add', '--authorizer-properties', 'zookeeper.connect=localhost:2181'),
      /use --bootstrap-server host:port instead$/,
    );
  } finally {
    await broker.dispose();
  }
});
