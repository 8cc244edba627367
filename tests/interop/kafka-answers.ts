// What Apache Kafka 4.3.1 answers to its own tools, as recorded in tools/answers.txt from a new
// broker with defaults, and the same from ours: each command in order, in one Java process.
// What only releases after 4.3 have is left out of both, and so is the address of the broker.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../root.ts';
import { kafkaToolCommand } from './toolchain.ts';

export interface Answer {
  readonly command: string;
  /** What was printed, the first line of an error, and the exit code. */
  readonly lines: readonly string[];
}

type Tool = Parameters<typeof kafkaToolCommand>[0];

const source = join(projectRoot, 'tests/interop/tools/Tools.java');
const recorded = join(projectRoot, 'tests/interop/tools/answers.txt');

/** A command is a line behind '> '; what follows up to the next is its answer. */
export function recordedAnswers(): Answer[] {
  const blocks = readFileSync(recorded, 'utf8').trimEnd().split(/^> /m).slice(1);
  return blocks.map((block) => {
    const [command = '', ...lines] = block.trimEnd().split('\n');
    return { command, lines };
  });
}

export function writeAnswers(answers: readonly Answer[]): string {
  return answers.map(({ command, lines }) => `> ${[command, ...lines].join('\n')}\n`).join('');
}

/** Configs of releases after 4.3, and one that only clusters with eligible leaders have. */
const newer = new RegExp(
  '^ {2}(errors\\.deadletterqueue|max\\.decompressed|remote\\.copy\\.lag|min\\.insync|' +
    'streams\\.(assignor\\.name|rack\\.aware))',
);

function shownLines(stdout: string, stderr: string, servers: string): string[] {
  const shown = stdout
    .replaceAll(servers, 'SERVER')
    .replace(/^\[\d{4}-\S+ \S+\] /gm, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !newer.test(line));
  const [wrong] = stderr
    .split('\n')
    .filter((line) => !/^(SLF4J|\tat |Error while executing config command|$)/.test(line))
    .map((line) => line.replace(/^java\.util\.concurrent\.ExecutionException: /, ''));
  return wrong === undefined ? shown : [...shown, `! ${wrong.trimEnd()}`];
}

/** Words between spaces; single quotes keep spaces and commas together. */
function words(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}

/** Asks the broker; `commands` begin with the name of a tool without "kafka-". */
export async function askWithKafkaTools(
  servers: string,
  commands: readonly string[],
): Promise<Answer[]> {
  const lines = commands.map((command) => {
    const [tool = '', ...args] = words(command);
    const [, ...java] = kafkaToolCommand(`kafka-${tool}` as Tool, args);
    const name = java[java.indexOf('-cp') + 2] as string;
    return [name, ...args, '--bootstrap-server', servers].join('\t');
  });
  const output = await runTools(lines);
  const answers: Answer[] = [];
  let at = 0;
  for (const command of commands) {
    const end = output.indexOf('\n', at);
    const [code, outBytes = 0, errBytes = 0] = output
      .toString('utf8', at, end)
      .split(' ')
      .map(Number);
    const stderrAt = end + 1 + outBytes;
    const stdout = output.toString('utf8', end + 1, stderrAt);
    const stderr = output.toString('utf8', stderrAt, stderrAt + errBytes);
    at = stderrAt + errBytes;
    answers.push({ command, lines: [...shownLines(stdout, stderr, servers), `= ${code}`] });
  }
  return answers;
}

function runTools(lines: readonly string[]): Promise<Buffer> {
  const [java, ...all] = kafkaToolCommand('kafka-topics', []);
  const options = all.slice(0, all.indexOf('-cp') + 2);
  return new Promise((resolve, reject) => {
    const child = spawn(java, [...options, source], { stdio: ['pipe', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', () => resolve(Buffer.concat(chunks)));
    child.stdin.end(`${lines.join('\n')}\n`);
  });
}
