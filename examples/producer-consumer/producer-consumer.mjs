// A producer and a consumer in one program.
//
//   node producer-consumer.mjs producer localhost:9092            sends 1000 sentences to `test`
//   node producer-consumer.mjs consumer localhost:9092 [group]    prints them and counts them
//
// Consumers with the same group share the partitions of the topic. Ctrl-C ends a consumer.
import { Consumer, Producer } from 'partita/client';

const [role, bootstrapServers = 'localhost:9092', groupId = 'mygroup'] = process.argv.slice(2);
const topic = 'test';
const sentences = [
  'the cow jumped over the moon',
  'an apple a day keeps the doctor away',
  'four score and seven years ago',
  'snow white and the seven dwarfs',
  'i am at two with nature',
];

async function produce() {
  const producer = new Producer({ bootstrapServers });
  for (let index = 0; index < 1000; index++) {
    const value = `${index} ${sentences[index % sentences.length]}`;
    // send() resolves when the record is acknowledged; flush() waits for all of them.
    producer.send({ topic, key: String(index), value }).catch((error) => {
      console.error(`record ${index} was not stored: ${error.message}`);
      process.exitCode = 1;
    });
  }
  await producer.flush();
  await producer.close();
  console.log('sent 1000 records');
}

async function consume() {
  const consumer = new Consumer({
    bootstrapServers,
    groupId,
    autoOffsetReset: 'earliest',
    // Members learn with a heartbeat that the partitions are shared anew; the default is 3000.
    heartbeatIntervalMs: 500,
  });
  let isRunning = true;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      isRunning = false;
    });
  }
  consumer.subscribe([topic]);
  let count = 0;
  while (isRunning) {
    for (const { partition, offset, value } of await consumer.poll(200)) {
      count++;
      console.log(`${count}: partition ${partition} offset ${offset}: ${value}`);
    }
  }
  await consumer.close();
}

if (role === 'producer') await produce();
else if (role === 'consumer') await consume();
else {
  console.error('usage: producer-consumer.mjs producer|consumer host:port [group]');
  process.exitCode = 1;
}
