// @confluentinc/kafka-javascript, on librdkafka. Its installation downloads a native part from
// elsewhere or compiles one: it is measured where it is installed, and named as missing elsewhere
// (`npm install --no-save @confluentinc/kafka-javascript`).

import { createRequire } from 'node:module';
import type { MeasuredClient, Quote, Target } from './measured-client.ts';

interface Message {
  readonly value: Buffer;
}

interface ConfluentProducer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  send(record: { topic: string; messages: readonly object[] }): Promise<unknown>;
  transaction(): Promise<ConfluentProducer & { commit(): Promise<void> }>;
}

interface ConfluentConsumer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(subscription: { topics: string[] }): Promise<void>;
  run(config: {
    eachMessage?: (payload: { message: Message }) => Promise<void>;
    eachBatch?: (payload: { batch: { messages: readonly Message[] } }) => Promise<void>;
  }): Promise<void>;
}

interface ConfluentKafka {
  producer(config: object): ConfluentProducer;
  consumer(config: object): ConfluentConsumer;
}

export class ConfluentClient implements MeasuredClient {
  #topic = '';
  #producer!: ConfluentProducer;
  #close = async (): Promise<void> => {};

  async startProducer(target: Target, transactionalId?: string): Promise<void> {
    this.#topic = target.topic;
    const ids = transactionalId === undefined ? {} : { transactionalId };
    this.#producer = kafkaOf(target).producer({ kafkaJS: { acks: -1, ...ids } });
    this.#close = () => this.#producer.disconnect();
    await this.#producer.connect();
  }

  send(value: Buffer): Promise<unknown> {
    return this.sendBatch([value]);
  }

  sendBatch(values: readonly Buffer[]): Promise<unknown> {
    const messages = values.map((value) => ({ value }));
    return this.#producer.send({ topic: this.#topic, messages });
  }

  async sendTransaction(values: readonly Buffer[]): Promise<void> {
    const transaction = await this.#producer.transaction();
    await transaction.send({ topic: this.#topic, messages: values.map((value) => ({ value })) });
    await transaction.commit();
  }

  sendQuotes(quotes: readonly Quote[]): Promise<unknown> {
    return this.sendBatch(quotes.map((quote) => Buffer.from(JSON.stringify(quote))));
  }

  async consume(target: Target, onValue: (value: Buffer) => boolean): Promise<void> {
    const consumer = await this.#consumer(target);
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: Message }) => {
        if (onValue(message.value)) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
  }

  async consumeBatches(
    target: Target,
    onValues: (values: readonly Buffer[]) => boolean,
  ): Promise<void> {
    const consumer = await this.#consumer(target);
    await new Promise<void>((resolve, reject) => {
      const run = consumer.run({
        eachBatch: async ({ batch }) => {
          if (onValues(batch.messages.map(({ value }) => value))) resolve();
        },
      });
      run.catch(reject);
    });
  }

  consumeQuotes(target: Target, onQuote: (quote: Quote) => boolean): Promise<void> {
    return this.consume(target, (value) => onQuote(JSON.parse(value.toString()) as Quote));
  }

  async #consumer(target: Target): Promise<ConfluentConsumer> {
    const groupId = `confluent-${target.topic}`;
    const consumer = kafkaOf(target).consumer({ kafkaJS: { groupId, fromBeginning: true } });
    this.#close = () => consumer.disconnect();
    await consumer.connect();
    await consumer.subscribe({ topics: [target.topic] });
    return consumer;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function kafkaOf({ bootstrapServers }: Target): ConfluentKafka {
  const { KafkaJS } = createRequire(import.meta.url)('@confluentinc/kafka-javascript') as {
    KafkaJS: { Kafka: new (config: object) => ConfluentKafka };
  };
  return new KafkaJS.Kafka({ kafkaJS: { brokers: [bootstrapServers] } });
}
