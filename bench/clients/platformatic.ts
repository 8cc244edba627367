// @platformatic/kafka: messages of one `send` travel together; its consumer is a stream of
// messages, and hands out no batches. JSON goes by its own serializers.

import {
  Consumer,
  jsonDeserializer,
  jsonSerializer,
  MessagesStreamModes,
  Producer,
} from '@platformatic/kafka';
import type { MeasuredClient, Quote, Target } from './measured-client.ts';

const acks = -1;

export class PlatformaticClient implements MeasuredClient {
  #topic = '';
  #producer!: Producer<Buffer, Buffer, Buffer, Buffer>;
  #quotes!: Producer<Buffer, Quote, Buffer, Buffer>;
  #close = async (): Promise<void> => {};

  async startProducer(target: Target, transactionalId?: string): Promise<void> {
    this.#topic = target.topic;
    if (target.isJson) {
      const value = (quote?: Quote) => jsonSerializer(quote);
      this.#quotes = new Producer({ ...optionsOf(target), serializers: { value } });
      this.#close = () => this.#quotes.close();
      await this.#quotes.metadata({ topics: [target.topic] });
      return;
    }
    const ids = transactionalId === undefined ? {} : { transactionalId, idempotent: true };
    this.#producer = new Producer({ ...optionsOf(target), ...ids });
    this.#close = () => this.#producer.close();
    await this.#producer.metadata({ topics: [target.topic] });
  }

  send(value: Buffer): Promise<unknown> {
    return this.#producer.send({ acks, messages: [{ topic: this.#topic, value }] });
  }

  sendBatch(values: readonly Buffer[]): Promise<unknown> {
    const topic = this.#topic;
    return this.#producer.send({ acks, messages: values.map((value) => ({ topic, value })) });
  }

  async sendTransaction(values: readonly Buffer[]): Promise<void> {
    const topic = this.#topic;
    const transaction = await this.#producer.beginTransaction();
    await transaction.send({ acks, messages: values.map((value) => ({ topic, value })) });
    await transaction.commit();
  }

  sendQuotes(quotes: readonly Quote[]): Promise<unknown> {
    const topic = this.#topic;
    return this.#quotes.send({ acks, messages: quotes.map((value) => ({ topic, value })) });
  }

  async consume(target: Target, onValue: (value: Buffer) => boolean): Promise<void> {
    const consumer = new Consumer({ ...optionsOf(target), ...groupOf(target) });
    this.#close = async () => consumer.close(true);
    const stream = await consumer.consume(streamOf(target));
    for await (const { value } of stream) if (onValue(value as Buffer)) return;
  }

  async consumeQuotes(target: Target, onQuote: (quote: Quote) => boolean): Promise<void> {
    const value = (data?: Buffer) => jsonDeserializer<Quote>(data);
    const deserializers = { value };
    const consumer = new Consumer({ ...optionsOf(target), ...groupOf(target), deserializers });
    this.#close = async () => consumer.close(true);
    const stream = await consumer.consume(streamOf(target));
    for await (const message of stream) if (onQuote(message.value as Quote)) return;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function optionsOf({ bootstrapServers }: Target) {
  return { clientId: 'bench', bootstrapBrokers: [bootstrapServers] };
}

function groupOf({ topic }: Target) {
  return { groupId: `platformatic-${topic}` };
}

function streamOf({ topic }: Target) {
  return { topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: 5000 };
}
