// A member of a group as a program: group-member.js CLIENT SERVERS GROUP TOPIC. It prints the
// values it consumes, and leaves when it is told to end (SIGTERM).

import { createRequire } from 'node:module';
import { Consumer } from '@platformatic/kafka';

const [client, servers = '', group = '', topic = ''] = process.argv.slice(2);
const sessionTimeout = 6000;
const heartbeatInterval = 500;

const print = (value: string): void => {
  process.stdout.write(`${value}\n`);
};

async function runKafkajs(): Promise<() => Promise<void>> {
  const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');
  const kafka = new Kafka({ clientId: 'member', brokers: [servers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: group, sessionTimeout, heartbeatInterval });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => print(message.value?.toString() ?? ''),
  });
  return () => consumer.disconnect();
}

async function runPlatformatic(): Promise<() => Promise<void>> {
  const consumer = new Consumer({
    clientId: 'member',
    bootstrapBrokers: [servers],
    groupId: group,
    sessionTimeout,
    heartbeatInterval,
    autocommit: 500,
    // Enough for a broker that is away for some seconds.
    retries: 40,
    retryDelay: 500,
  });
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
  });
  stream.on('data', ({ value }) => print(value.toString()));
  return async () => {
    await stream.close();
    await consumer.close(true);
  };
}

const leave = await (client === 'kafkajs' ? runKafkajs() : runPlatformatic());
process.once('SIGTERM', () => {
  leave().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
