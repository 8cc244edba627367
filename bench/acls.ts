// Very many ACLs: made in batches of 10 000 (what one request may have), listed, kept over a
// restart, and taken away, while a client of the same broker asks something small every few
// milliseconds: how long it waits is how long the others hold everybody.
//
//   --acls 100000 --batch 10000
//   --profile FOLDER    the broker writes profiles of its processor time there

import { createNodeIo, type Io } from '../src/io/index.ts';
import {
  createAcls,
  decodeResponse,
  deleteAcls,
  describeAcls,
  encodeRequest,
  metadata,
} from '../src/protocol/index.ts';
import { BrokerProcess } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { parseFlags } from './flags.ts';
import { WireClient } from './wire-client.ts';

const defaults = { rounds: 3, acls: 100_000, batch: 10_000, profile: '' };
const pauseMs = 2;

type AclFlags = typeof defaults;

const header = { correlationId: 1, clientId: 'bench' };
const config = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
};

/** A step as its others see it. */
interface Step {
  readonly what: string;
  readonly frames: readonly Buffer[];
  readonly check: (answer: Buffer) => number;
}

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'error' });
  const rounds = new Rounds();
  let checksum = 0;
  for (let round = 0; round < flags.rounds; round++) {
    const { profile } = flags;
    const nodeFlags = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    const broker = await BrokerProcess.prepare(io, 'partita', { config, nodeFlags });
    try {
      await broker.start();
      const emptyMib = broker.residentMib();
      checksum += await measure(io, broker, makeAcls(flags), rounds);
      const residentMib = broker.residentMib() - emptyMib;
      await broker.stop();
      const startMs = await broker.start();
      const usedMs = broker.processorMs();
      const restartedMib = broker.residentMib() - emptyMib;
      const figures = { startMs, 'processor-ms': usedMs, residentMib, restartedMib };
      rounds.add('a restart with them', figures);
      checksum += await measure(io, broker, listAcls(flags), rounds);
      checksum += await measure(io, broker, deleteAll(flags), rounds);
      await broker.stop();
    } finally {
      await broker.dispose();
    }
  }
  rounds.print();
  printChecksum(checksum);
}

/** The frames one after another, and beside them a client that asks for something else. */
async function measure(
  io: Io,
  broker: BrokerProcess,
  { what, frames, check }: Step,
  rounds: Rounds,
): Promise<number> {
  const { host, port } = broker;
  const [asker, other] = [
    await WireClient.connect(io, { host, port }),
    await WireClient.connect(io, { host, port }),
  ];
  let isOver = false;
  const waits: number[] = [];
  const asking = (async () => {
    while (!isOver) {
      const beganMs = performance.now();
      await other.exchange(1, 1, () => metadataFrame);
      waits.push(performance.now() - beganMs);
      await io.clock.sleep(pauseMs);
    }
  })();
  const usedMs = broker.processorMs();
  const beganMs = performance.now();
  let bytes = 0;
  let checksum = 0;
  for (const frame of frames) {
    const answer = await asker.exchange(1, 1, () => frame);
    bytes += answer.length;
    checksum += check(answer);
  }
  const figures = {
    ms: performance.now() - beganMs,
    'processor-ms': broker.processorMs() - usedMs,
    requests: frames.length,
    'answer-MB': bytes / 1e6,
  };
  isOver = true;
  await asking;
  rounds.add(what, { ...figures, othersWaitMsMax: Math.max(...waits) });
  asker.close();
  other.close();
  return checksum;
}

const metadataFrame = Buffer.concat(
  encodeRequest(metadata, 9, header, { topics: [{ name: 'topic-1' }] }),
);

function makeAcls({ acls, batch }: AclFlags): Step {
  const frames: Buffer[] = [];
  for (let from = 0; from < acls; from += batch) {
    const creations = Array.from({ length: Math.min(batch, acls - from) }, (_, index) =>
      aclOf(from + index),
    );
    frames.push(Buffer.concat(encodeRequest(createAcls, 3, header, { creations })));
  }
  return {
    what: 'made',
    frames,
    check: (answer) => {
      const { results } = decodeResponse(createAcls, 3, answer).body;
      return results.filter(({ errorCode }) => errorCode === 0).length;
    },
  };
}

/** A tenth of all principals are on a topic of their own, every second one by its prefix. */
function aclOf(number: number) {
  return {
    ...{ resourceType: 2, resourceName: `topic-${number % 50_000}` },
    resourcePatternType: 3 + (number % 2),
    ...{ principal: `User:user-${number % 997}`, host: '*' },
    ...{ operation: 3 + (Math.floor(number / 50_000) % 5), permissionType: 3 },
  };
}

const everything = {
  ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
};

function listAcls({ acls }: AclFlags): Step {
  return {
    what: 'listed',
    frames: [Buffer.concat(encodeRequest(describeAcls, 3, header, everything))],
    check: (answer) => {
      const { resources } = decodeResponse(describeAcls, 3, answer).body;
      const found = resources.reduce((sum, each) => sum + each.acls.length, 0);
      if (found !== acls) throw new Error(`${found} ACLs are told instead of ${acls}`);
      return found;
    },
  };
}

/** As kafka-acls.sh --remove asks for it: a filter for each ACL. */
function deleteAll({ acls, batch }: AclFlags): Step {
  const frames: Buffer[] = [];
  for (let from = 0; from < acls; from += batch) {
    const filters = Array.from({ length: Math.min(batch, acls - from) }, (_, index) => {
      const acl = aclOf(from + index);
      return {
        ...{ resourceTypeFilter: acl.resourceType, resourceNameFilter: acl.resourceName },
        ...{ patternTypeFilter: acl.resourcePatternType, principalFilter: acl.principal },
        ...{ hostFilter: acl.host, operation: acl.operation },
        permissionType: acl.permissionType,
      };
    });
    frames.push(Buffer.concat(encodeRequest(deleteAcls, 3, header, { filters })));
  }
  return {
    what: 'taken away, each by itself',
    frames,
    check: (answer) => {
      const { filterResults } = decodeResponse(deleteAcls, 3, answer).body;
      return filterResults.reduce((sum, each) => sum + each.matchingAcls.length, 0);
    },
  };
}
