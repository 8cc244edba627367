// What Apache Kafka 4.3.1 answers to its own tools, as recorded in tools/answers.txt from a new
// broker with defaults, and the same from ours: each command in order.
// What only releases after 4.3 have is left out of both, and so is the address of the broker.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../root.ts';
import { type KafkaTool, kafkaTool } from './toolchain.ts';

export interface Answer {
  readonly command: string;
  /** What was printed, the first line of an error, and the exit code. */
  readonly lines: readonly string[];
}

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
  const answers: Answer[] = [];
  for (const command of commands) {
    const [tool = '', ...args] = words(command);
    const all = [...args, '--bootstrap-server', servers];
    const { code, stdout, stderr } = await kafkaTool(`kafka-${tool}` as KafkaTool, all);
    answers.push({ command, lines: [...shownLines(stdout, stderr, servers), `= ${code}`] });
  }
  return answers;
}
