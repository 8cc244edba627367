// Ours, as it is published: the built library, by the package's name.

import { Consumer, type ConsumerRecord, Producer } from 'partita/client';
import type { MeasuredClient, Quote, Target } from './measured-client.ts';

export class PartitaClient implements MeasuredClient {
  #target!: Target;
  #producer!: Producer;
  #close = async (): Promise<void> => {};

  async startProducer(target: Target, transactionalId?: string): Promise<void> {
    this.#target = target;
    const { bootstrapServers } = target;
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
    const send = (quote: Quote) => this.#producer.send({ topic, value: JSON.stringify(quote) });
    return Promise.all(quotes.map(send));
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

  consumeQuotes(target: Target, onQuote: (quote: Quote) => boolean): Promise<void> {
    return this.consume(target, (value) => onQuote(JSON.parse(value.toString()) as Quote));
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

function consumerOptions({ bootstrapServers, topic }: Target) {
  return { bootstrapServers, groupId: `partita-${topic}`, autoOffsetReset: 'earliest' } as const;
}
