// docs/migrate.md, executed: its commands are run in their order, with the paths of a temporary
// installation in place of the usual ones, and what was there before is there after each half.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../root.ts';
import { runProgram } from '../../run-program.ts';
import { hasKafka, kafkaJava, kafkaToolCommand } from '../toolchain.ts';
import { assertSameContent, ServerProcess } from './server-process.ts';

const text = readFileSync(join(projectRoot, 'docs/migrate.md'), 'utf8');
/** `kafka-server-stop.sh` ends brokers of ours by it: no other on this machine may have it. */
const nodeId = 7_041;

function snippets(heading: string): string[] {
  const part = text.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return [...part.matchAll(/```shell\n([\s\S]*?)```/g)].map((match) =>
    (match[1] as string).replaceAll(/^ +/gm, ''),
  );
}

/** A folder of scripts that stands for Kafka's distribution. */
function installKafka(server: ServerProcess): string {
  const home = join(server.directory, 'kafka');
  const bin = join(home, 'bin');
  const pidFile = join(home, 'pid');
  mkdirSync(bin, { recursive: true });
  const quoted = (command: readonly string[]): string =>
    command.map((word) => `'${word}'`).join(' ');
  const scripts: Record<string, string> = {
    'kafka-server-start': `exec >/dev/null 2>&1 </dev/null
nohup ${quoted(kafkaJava('kafka.Kafka'))} "$2" &
echo $! >${pidFile}`,
    'kafka-server-stop': `kill "$(cat ${pidFile})"
while kill -0 "$(cat ${pidFile})" 2>/dev/null; do sleep 0.2; done`,
  };
  for (const tool of ['kafka-topics', 'kafka-get-offsets', 'kafka-features'] as const) {
    scripts[tool] = `exec ${quoted(kafkaToolCommand(tool, []))} "$@"`;
  }
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(bin, `${name}.sh`);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
  return home;
}

test('the commands of docs/migrate.md bring a node over and back', {
  timeout: 600_000,
}, async (t) => {
  if (!hasKafka(t)) return;
  const server = await ServerProcess.prepare({ quorum: 'in log', nodeId });
  const kafka = installKafka(server);
  const run = async (script: string): Promise<string> => {
    const local = script
      .replaceAll('/opt/kafka', kafka)
      .replaceAll('/opt/partita', projectRoot)
      .replaceAll('/etc/kafka/server.properties', server.file)
      .replaceAll('/var/lib/kafka', server.data)
      .replaceAll('localhost:9092', server.bootstrapServers)
      .replaceAll('--node-id=1', `--node-id=${nodeId}`);
    const env = { LOG_DIR: join(server.directory, 'logs') };
    const done = await runProgram('bash', ['-euo', 'pipefail', '-c', local], { env });
    assert.equal(done.code, 0, `${local}\n${done.stdout}\n${done.stderr}`);
    return done.stdout;
  };
  t.after(async () => {
    const { file } = server;
    await run(`for pid in $(pgrep -f '${file}'); do [ $pid = $$ ] || kill -9 $pid || true; done`);
    await server.dispose();
  });
  await server.format();
  await run('/opt/kafka/bin/kafka-server-start.sh -daemon /etc/kafka/server.properties');
  const before = await server.content('write', 'list');

  const [look, stop, copy, start] = snippets('Over') as [string, string, string, string];
  assert.match(await run(look), new RegExp(`Isr: ${nodeId}\\b`));
  await run(stop);
  await run(copy);
  assert.match(await run(start), /classic-group[\s\S]*headers/);
  assertSameContent(await server.content('list'), before);
  const afterwards = await server.content('churn', 'list');

  for (const snippet of snippets('Back')) await run(snippet);
  assertSameContent(await server.content('list'), afterwards);
  await run(stop);
});
