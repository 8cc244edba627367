// Ours, as it is published: the built library, by the package's name.

import { Consumer, type ConsumerRecord, json, Producer, type Serde } from 'partita/client';
import type { MeasuredClient, Quote, Target } from './measured-client.ts';

/** JSON goes by a serde. */
type QuoteTopics = { readonly [topic: string]: { readonly value: Serde<Quote> } };

export class PartitaClient implements MeasuredClient {
  #target!: Target;
  #producer!: Producer;
  #quotes!: Producer<QuoteTopics>;
  #close = async (): Promise<void> => {};

  async startProducer(target: Target, transactionalId?: string): Promise<void> {
    this.#target = target;
    const { bootstrapServers } = target;
    if (target.isJson) {
      this.#quotes = new Producer({ bootstrapServers, topics: quoteTopics(target) });
      this.#close = () => this.#quotes.close();
      return;
    }
    const ids = transactionalId === undefined ? {} : { transactionalId };
    const producer = new Producer({ bootstrapServers, ...ids });
    this.#producer = producer;
    this.#close = () => producer.close();
    if (transactionalId !== undefined) await producer.initTransactions();
  }

  send(value: Buffer): Promise<unknown> {
    return this.#producer.send({ topic: this.#target.topic, value });
  }

  sendBatch(values: readonly Buffer[]): Promise<unknown> {
    const { topic } = this.#target;
    return Promise.all(values.map((value) => this.#producer.send({ topic, value })));
  }

  sendTransaction(values: readonly Buffer[]): Promise<unknown> {
    const { topic } = this.#target;
    return this.#producer.transaction(async (transaction) => {
      await Promise.all(values.map((value) => transaction.send({ topic, value })));
    });
  }

  sendQuotes(quotes: readonly Quote[]): Promise<unknown> {
    const { topic } = this.#target;
    return Promise.all(quotes.map((value) => this.#quotes.send({ topic, value })));
  }

  async consume(target: Target, onValue: (value: Buffer) => boolean): Promise<void> {
    const consumer = this.#consumer(target);
    for await (const { value } of consumer) if (onValue(value as Buffer)) return;
  }

  async consumeBatches(
    target: Target,
    onValues: (values: readonly Buffer[]) => boolean,
  ): Promise<void> {
    const consumer = this.#consumer(target);
    const bytes = ({ value }: ConsumerRecord): Buffer => value as Buffer;
    while (!onValues((await consumer.poll()).map(bytes))) {}
  }

  async consumeQuotes(target: Target, onQuote: (quote: Quote) => boolean): Promise<void> {
    const consumer = new Consumer({ ...consumerOptions(target), topics: quoteTopics(target) });
    this.#close = () => consumer.close();
    consumer.subscribe([target.topic]);
    for await (const { value } of consumer) if (onQuote(value as Quote)) return;
  }

  #consumer(target: Target): Consumer {
    const consumer = new Consumer(consumerOptions(target));
    this.#close = () => consumer.close();
    consumer.subscribe([target.topic]);
    return consumer;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function quoteTopics({ topic }: Target): QuoteTopics {
  return { [topic]: { value: json<Quote>() } };
}

function consumerOptions({ bootstrapServers, topic }: Target) {
  return { bootstrapServers, groupId: `partita-${topic}`, autoOffsetReset: 'earliest' } as const;
}
