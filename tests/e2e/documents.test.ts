// What the documents say works: every shell snippet is run, every npm script that is named
// exists, every link to a file leads to one.
//
// Snippets that start a server run until its ready line. `localhost:9092` stands for the broker
// that this test starts, or, in the page about clusters, for three of them; `npm ci` and the test
// commands are what is running right now.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { PartitaCluster } from '../interop/clusters/partita-cluster.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';

interface Document {
  readonly path: string;
  readonly text: string;
}

function listDocuments(): Document[] {
  const top = readdirSync(projectRoot).filter((name) => name.endsWith('.md'));
  const below = ['docs', 'examples', 'bench'].flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  );
  return [...top, ...below].map((path) => ({
    path,
    text: readFileSync(join(projectRoot, path), 'utf8'),
  }));
}

const clusterPage = join('docs', 'cluster.md');
const documents = listDocuments();
const scripts = Object.keys(
  (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { scripts: object })
    .scripts,
);
const startsServer = /\bnpm start\b|kafka-server-start\.sh|\bpartita\.js start\b/;
const runsNow = /^npm (ci|test|run test:\w+)$/;

/** The commands of a snippet without those that are running right now. */
function commandsOf(snippet: string): string {
  return snippet
    .split('\n')
    .map((line) => line.replace(/^npm ci && /, ''))
    .filter((line) => !runsNow.test(line.trim()))
    .join('\n')
    .trim();
}

function runServer(script: string, directory: string): Promise<void> {
  const child = spawn('bash', ['-c', script], {
    cwd: projectRoot,
    detached: true,
    env: {
      ...process.env,
      KAFKA_LISTENERS: 'PLAINTEXT://127.0.0.1:0',
      KAFKA_LOG_DIRS: directory,
    },
  });
  let output = '';
  return new Promise((resolve, reject) => {
    const onText = (text: Buffer): void => {
      output += text.toString();
      if (/^partita ready /m.test(output)) process.kill(-(child.pid as number), 'SIGINT');
    };
    child.stdout.on('data', onText);
    child.stderr.on('data', onText);
    child.once('close', () =>
      /^partita ready /m.test(output) ? resolve() : reject(new Error(`not ready:\n${output}`)),
    );
  });
}

describe('the documents', () => {
  let directory = '';
  let broker: BrokerProcess;
  let cluster: PartitaCluster;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'partita-documents-'));
    [broker, cluster] = await Promise.all([BrokerProcess.start(), PartitaCluster.start()]);
  });
  after(async () => {
    await Promise.all([broker.dispose(), cluster.dispose()]);
    rmSync(directory, { recursive: true, force: true });
  });

  for (const document of documents) {
    const snippets = [...document.text.matchAll(/```(?:sh|bash)\n([\s\S]*?)```/g)];
    for (const [index, match] of snippets.entries()) {
      const script = commandsOf(match[1] as string);
      if (script === '') continue;
      test(`${document.path}: snippet ${index + 1} runs`, { timeout: 120_000 }, async () => {
        if (startsServer.test(script)) {
          // The environment must win over what a snippet's file says of listeners and folders.
          await runServer(script, mkdtempSync(join(directory, 'server-')));
          return;
        }
        const { bootstrapServers } = document.path === clusterPage ? cluster : broker;
        const local = script.replaceAll('localhost:9092', bootstrapServers);
        const result = await runProgram('bash', ['-euo', 'pipefail', '-c', local], {
          cwd: projectRoot,
        });
        assert.equal(result.code, 0, `${local}\n${result.stdout}\n${result.stderr}`);
      });
    }
  }

  test('name only npm scripts that exist', () => {
    for (const { path, text } of documents) {
      for (const match of text.matchAll(/npm run (?:-s )?([\w:-]+)/g)) {
        assert.ok(scripts.includes(match[1] as string), `${path} names npm run ${match[1]}`);
      }
    }
  });

  test('link only to files that exist', () => {
    for (const { path, text } of documents) {
      for (const match of text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
        const target = join(projectRoot, dirname(path), match[1] as string);
        assert.ok(existsSync(target), `${path} links to ${match[1]}`);
      }
    }
  });
});
