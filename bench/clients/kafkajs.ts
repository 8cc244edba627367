// kafkajs: `send` of its producer, `eachMessage` and `eachBatch` of its consumer. JSON.stringify
// and JSON.parse are what its documents show for JSON.

import { createRequire } from 'node:module';
import type { Consumer, Producer } from 'kafkajs';
import type { MeasuredClient, Quote, Target } from './measured-client.ts';

const { Kafka, Partitioners, logLevel } = createRequire(import.meta.url)(
  'kafkajs',
) as typeof import('kafkajs');

const allReplicas = -1;

export class KafkaJsClient implements MeasuredClient {
  #topic = '';
  #producer!: Producer;
  #close = async (): Promise<void> => {};

  async startProducer(target: Target, transactionalId?: string): Promise<void> {
    this.#topic = target.topic;
    // Its documents' settings for transactions.
    const transactional = { transactionalId, idempotent: true, maxInFlightRequests: 1 };
    this.#producer = kafkaOf(target).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      ...(transactionalId === undefined ? {} : (transactional as { transactionalId: string })),
    });
    this.#close = () => this.#producer.disconnect();
    await this.#producer.connect();
  }

  send(value: Buffer): Promise<unknown> {
    return this.sendBatch([value]);
  }

  sendBatch(values: readonly Buffer[]): Promise<unknown> {
    const messages = values.map((value) => ({ value }));
    return this.#producer.send({ topic: this.#topic, acks: allReplicas, messages });
  }

  async sendTransaction(values: readonly Buffer[]): Promise<void> {
    const transaction = await this.#producer.transaction();
    const messages = values.map((value) => ({ value }));
    await transaction.send({ topic: this.#topic, acks: allReplicas, messages });
    await transaction.commit();
  }

  sendQuotes(quotes: readonly Quote[]): Promise<unknown> {
    const messages = quotes.map((quote) => ({ value: JSON.stringify(quote) }));
    return this.#producer.send({ topic: this.#topic, acks: allReplicas, messages });
  }

  async consume(target: Target, onValue: (value: Buffer) => boolean): Promise<void> {
    const consumer = await this.#consumer(target);
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        if (onValue(message.value as Buffer)) resolve();
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
          if (onValues(batch.messages.map(({ value }) => value as Buffer))) resolve();
        },
      });
      run.catch(reject);
    });
  }

  consumeQuotes(target: Target, onQuote: (quote: Quote) => boolean): Promise<void> {
    return this.consume(target, (value) => onQuote(JSON.parse(value.toString()) as Quote));
  }

  async #consumer(target: Target): Promise<Consumer> {
    const consumer = kafkaOf(target).consumer({ groupId: `kafkajs-${target.topic}` });
    this.#close = () => consumer.disconnect();
    await consumer.connect();
    await consumer.subscribe({ topics: [target.topic], fromBeginning: true });
    return consumer;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function kafkaOf({ bootstrapServers }: Target) {
  return new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING });
}
