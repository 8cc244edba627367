// Sends words in the background until it is told to stop, over every death of the broker, and keeps
// what it sent: our producer numbers its batches, so that each word is there once.

import type { Prng } from '../../../src/base/prng.ts';
import { Producer } from '../../../src/client/index.ts';
import { createNodeIo } from '../../../src/io/index.ts';
import type { Word } from './count-judge.ts';

const vocabularySize = 60;
const pauseMs = 20;
const wordsMax = 12;

export class WordFeed {
  readonly words: Word[] = [];
  readonly #prng: Prng;
  readonly #producer: Producer;
  readonly #feeding: Promise<void>;
  #isEnding = false;

  constructor(bootstrapServers: string, prng: Prng) {
    this.#prng = prng;
    // That the broker is away is no news here.
    const io = createNodeIo({ logLevel: 'error' });
    this.#producer = new Producer({ bootstrapServers, deliveryTimeoutMs: 300_000 }, io);
    this.#feeding = this.#feed();
    // It is told of by `stop`.
    this.#feeding.catch(() => {});
  }

  /** Returns when every word has been acknowledged. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await this.#feeding;
  }

  async send(count: number): Promise<void> {
    const sent = Array.from({ length: count }, () => {
      // Some words are much more frequent than others.
      const word = `w${this.#prng.int(1 + this.#prng.int(vocabularySize))}`;
      const timestamp = Date.now();
      const value = `${word}/${this.words.length}`;
      this.words.push({ word, timestamp });
      return this.#producer.send({ topic: 'words', value, timestamp });
    });
    await Promise.all(sent);
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }

  async #feed(): Promise<void> {
    const sent: Promise<void>[] = [];
    while (!this.#isEnding) {
      sent.push(this.send(this.#prng.int(wordsMax)));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    await Promise.all(sent);
  }
}
