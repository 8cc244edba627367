// kafkajs and @platformatic/kafka as members of a group, each in a process of its own.

import { fileURLToPath } from 'node:url';
import { describeGroupClient } from '../group-client.ts';

for (const name of ['kafkajs', '@platformatic/kafka']) {
  const program = fileURLToPath(new URL('./group-member.js', import.meta.url));
  describeGroupClient({
    name,
    isPresent: () => true,
    goesDeafWithItsBroker: name === '@platformatic/kafka',
    member: ({ servers, group, topic }) => [process.execPath, program, name, servers, group, topic],
  });
}
