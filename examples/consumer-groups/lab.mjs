// Consumers in one group divide up the partitions of a topic; consumers of another group get all
// of it again. Members die, the others take over, and the last one has everything.
import assert from 'node:assert/strict';
import { Admin, Consumer, Producer } from 'partita/client';

const bootstrapServers = process.argv[2] ?? 'localhost:9092';
const topic = 'my-example-topic';

/** A consumer that polls until it is stopped and remembers what it has read. */
class Member {
  constructor(name, groupId, options = {}) {
    this.name = name;
    this.records = [];
    this.partitionsPerPollMax = 0;
    this.isRunning = true;
    this.consumer = new Consumer({
      bootstrapServers,
      groupId,
      autoOffsetReset: 'earliest',
      ...options,
    });
    this.consumer.subscribe([topic]);
    this.done = this.#run();
  }

  async #run() {
    while (this.isRunning) {
      const records = await this.consumer.poll(100);
      const partitions = new Set(records.map(({ partition }) => partition)).size;
      this.partitionsPerPollMax = Math.max(this.partitionsPerPollMax, partitions);
      this.records.push(...records);
    }
    await this.consumer.close();
  }

  get partitions() {
    return new Set(this.records.map(({ partition }) => partition));
  }

  stop() {
    this.isRunning = false;
    return this.done;
  }
}

async function until(what, holds) {
  for (let waitedMs = 0; !(await holds()); waitedMs += 50) {
    assert.ok(waitedMs < 30_000, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const admin = new Admin({ bootstrapServers });
const producer = new Producer({ bootstrapServers });
let sent = 0;

async function produce(count) {
  const sends = Array.from({ length: count }, () => {
    const number = sent++;
    return producer.send({ topic, key: String(number), value: `Hello Mom ${number}` });
  });
  await Promise.all(sends);
}

/** How many partitions each member of the group has, sorted. */
async function shares(groupId) {
  const [group] = await admin.describeConsumerGroups([groupId]);
  return group.members.map(({ assignment }) => assignment.length).sort((a, b) => a - b);
}

await admin.createTopics([{ name: topic, numPartitions: 13, replicationFactor: 1 }]);
const group = 'KafkaExampleConsumer';

console.log('1. Three consumers in one group divide up thirteen partitions.');
const members = ['one', 'two', 'three'].map((name) => new Member(name, group));
await until(
  'thirteen partitions in three parts',
  async () => (await shares(group)).join() === '4,4,5',
);
await produce(250);
const readBy = (all) => all.reduce((sum, { records }) => sum + records.length, 0);
await until('every record', () => readBy(members) === 250);
for (const { name, records, partitions } of members) {
  console.log(`   consumer ${name}: ${records.length} records of ${partitions.size} partitions`);
  assert.ok(partitions.size <= 5 && records.length > 0);
}
const places = members.flatMap(({ records }) =>
  records.map(({ partition, offset }) => `${partition}-${offset}`),
);
assert.equal(new Set(places).size, 250, 'no record is read twice within the group');

console.log('2. Another group has offsets of its own: it reads all of them again.');
const other = new Member('other', 'AnotherGroup');
await until('all records in the other group', () => other.records.length === 250);
await other.stop();

console.log('3. A consumer leaves: its partitions go to the others.');
await members[0].stop();
await until('thirteen partitions in two parts', async () => (await shares(group)).join() === '6,7');
await produce(250);
await until('every record', () => readBy(members) === 500);
assert.ok(members[0].records.length < 250);

console.log('4. The last one has everything, several partitions in a poll of 500 records.');
await members[1].stop();
await members[2].stop();
await produce(500);
const last = new Member('last', group, { maxPollRecords: 500 });
await until('five hundred records', () => last.records.length === 500);
console.log(`   up to ${last.partitionsPerPollMax} partitions in one poll`);
assert.equal(last.partitions.size, 13);
assert.ok(last.partitionsPerPollMax > 1);

await last.stop();
await producer.close();
await admin.close();
