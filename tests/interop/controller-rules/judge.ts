// Plays sequences to Apache Kafka's controller classes and to our decisions, and says where the
// answers part. What comes behind a difference proves nothing, so a sequence ends there; shrinking
// finds the fewest steps that lead to it.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from '../../root.ts';
import { kafkaProgram } from '../toolchain.ts';
import { intendedDifference } from './intended-differences.ts';
import { OwnController } from './own-controller.ts';

const source = join(projectRoot, 'tests/interop/controller-rules/KafkaController.java');

export interface Difference {
  readonly kafka: string;
  readonly ours: string;
  /** The last one is that in question. */
  readonly steps: readonly string[];
}

export class Judge {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    assert.ok(child.stdout !== null);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(): Promise<Judge> {
    const [command, ...args] = await kafkaProgram(source);
    // Of Kafka's own package, whose classes nobody else may call.
    const named = [...args.slice(0, -1), 'org.apache.kafka.controller.KafkaController'];
    return new Judge(spawn(command, named, { stdio: ['pipe', 'pipe', 'ignore'] }));
  }

  close(): void {
    this.#child.stdin?.end();
  }

  /** The first difference that nobody intends; null if there is none. */
  async play(sequence: readonly string[]): Promise<Difference | null> {
    const kafka = await this.#kafkas(sequence);
    const ours = new OwnController(sequence[0] === 'begin elr');
    for (const [index, step] of sequence.entries()) {
      if (index === 0) continue;
      const [expected, actual] = [kafka[index] as string, ours.play(step)];
      if (expected === actual) continue;
      const before = kafka[index - 1] as string;
      const found = { step, before, kafka: expected, ours: actual };
      if (intendedDifference(found) !== null) return null;
      return { kafka: expected, ours: actual, steps: sequence.slice(0, index + 1) };
    }
    return null;
  }

  /** What Kafka's placer says to the line. */
  async place(line: string): Promise<string> {
    const [answer] = await this.#kafkas([line]);
    return answer as string;
  }

  /** Leaves out what the difference does not need; another may take its place. */
  async shrink(difference: Difference): Promise<Difference> {
    let least = difference;
    for (let at = least.steps.length - 2; at >= 1; at--) {
      const fewer = least.steps.filter((_, index) => index !== at);
      const found = await this.play(fewer);
      if (found !== null && found.steps.length < least.steps.length) {
        least = found;
        at = Math.min(at, least.steps.length - 1);
      }
    }
    return least;
  }

  async #kafkas(sequence: readonly string[]): Promise<string[]> {
    this.#child.stdin?.write(`${sequence.join('\n')}\n`);
    const answers: string[] = [];
    for (const _ of sequence) {
      const { value } = await this.#lines.next();
      answers.push(String(value));
    }
    return answers;
  }
}
