// What security costs: TLS on the way of records in and out, beside Apache Kafka's, each broker
// with a plain and an encrypted listener, in turns; and what ACLs cost a request, few and many.
//
//   --part tls      batches over both listeners, acks=1; TLS 1.3, one certificate (RSA, 2048 bits)
//   --profile FOLDER    of the part tls: our broker writes a profile of its processor time there
//   --part rights   small requests: without an authorizer, with one, and with --acls more ACLs

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newAuthority, newServer, readKeyed } from '../src/cli/secure/certificates.ts';
import { Admin } from '../src/client/index.ts';
import { type ConnectTls, createNodeIo, type Io } from '../src/io/index.ts';
import { BrokerProcess, hasKafka, type Product } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { numbersOf, parseFlags } from './flags.ts';
import { beginTopic, fetchAll, produceAll, type Transfer } from './transfer.ts';
import { prepareBatch } from './wire-client.ts';

const defaults = {
  rounds: 5,
  part: 'tls,rights',
  products: 'partita,kafka',
  mib: 200,
  'batch-bytes': '16384,262144',
  requests: 20_000,
  acls: 10_000,
  profile: '',
};

type SecurityFlags = typeof defaults;

interface Side {
  readonly name: string;
  readonly broker: BrokerProcess;
  readonly tls: ConnectTls | null;
}

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const rounds = new Rounds();
  let checksum = 0;
  for (const part of flags.part.split(',')) {
    const measure = part === 'tls' ? measureTls : measureRights;
    checksum = (checksum * 31 + (await measure(io, flags, rounds))) | 0;
  }
  rounds.print();
  for (const product of ['partita', 'kafka']) {
    rounds.printRatios(`${product} TLS`, `${product} plain`);
  }
  rounds.printRatios('partita TLS', 'kafka TLS');
  rounds.printRatios('partita with an authorizer', 'partita without one');
  rounds.printRatios(`partita with ${flags.acls} ACLs`, 'partita without one');
  printChecksum(checksum >>> 0);
}

async function measureTls(io: Io, flags: SecurityFlags, rounds: Rounds): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'partita-bench-keys-'));
  const brokers: BrokerProcess[] = [];
  try {
    const ca = await makeKeys(io, folder);
    const tls: ConnectTls = {
      ...{ ca, identity: null, serverName: 'localhost', verify: 'name' },
      versions: ['TLSv1.3'],
    };
    for (const product of flags.products.split(',') as Product[]) {
      if (product === 'kafka' && !hasKafka()) continue;
      const { profile } = flags;
      const nodeFlags = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
      const options = { keyFile: join(folder, 'server.pem'), nodeFlags };
      const broker = await BrokerProcess.prepare(io, product, options);
      brokers.push(broker);
      await broker.start();
    }
    const sides = brokers.flatMap((broker): Side[] => [
      { name: `${broker.product} plain`, broker, tls: null },
      { name: `${broker.product} TLS`, broker, tls },
    ]);
    let checksum = 0;
    // The first round only warms up.
    for (let round = -1; round < flags.rounds; round++) {
      const kept = round < 0 ? new Rounds() : rounds;
      for (const batchBytes of numbersOf(flags['batch-bytes'])) {
        const batch = prepareBatch(batchBytes, 1024);
        const requests = Math.max(1, Math.ceil((flags.mib * 1048576) / batch.bytes.length));
        for (const side of sides) {
          const transfer = { batch, requests, inFlight: 5 };
          const name = `t-${batchBytes}-${round}-${side.tls === null ? 'plain' : 'tls'}`;
          checksum = await transferBothWays(io, side, { name, transfer, rounds: kept });
        }
      }
    }
    if (flags.profile !== '') for (const broker of brokers) await broker.stop();
    return checksum;
  } finally {
    for (const broker of brokers) await broker.dispose();
    rmSync(folder, { recursive: true });
  }
}

async function measureRights(io: Io, flags: SecurityFlags, rounds: Rounds): Promise<number> {
  const name = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';
  // Until there is an ACL on the cluster everybody may make some.
  const config = { 'authorizer.class.name': name, 'allow.everyone.if.no.acl.found': 'true' };
  const sides: Side[] = [];
  try {
    for (const [aclCount, what] of [
      [-1, 'without one'],
      [0, 'with an authorizer'],
      [flags.acls, `with ${flags.acls} ACLs`],
    ] as const) {
      const options = aclCount < 0 ? {} : { config };
      const broker = await BrokerProcess.prepare(io, 'partita', options);
      sides.push({ name: `partita ${what}`, broker, tls: null });
      await broker.start();
      if (aclCount >= 0) await createAcls(io, broker, aclCount);
    }
    const batch = prepareBatch(200, 100);
    let checksum = 0;
    for (let round = -1; round < flags.rounds; round++) {
      for (const side of sides) {
        const transfer = { batch, requests: flags.requests, inFlight: 5 };
        const kept = round < 0 ? new Rounds() : rounds;
        const topic = { name: `t-${round}`, transfer, rounds: kept, bytesMax: batch.bytes.length };
        checksum = await transferBothWays(io, side, topic);
      }
    }
    return checksum;
  } finally {
    for (const { broker } of sides) await broker.dispose();
  }
}

async function transferBothWays(
  io: Io,
  { name, broker, tls }: Side,
  load: {
    readonly name: string;
    readonly transfer: Pick<Transfer, 'batch' | 'requests' | 'inFlight'>;
    readonly rounds: Rounds;
    readonly bytesMax?: number;
  },
): Promise<number> {
  const { host, port, tlsPort } = broker;
  const plain = { ...load.transfer, target: { host, port, topic: load.name } };
  await beginTopic(io, plain);
  const target = tls === null ? plain.target : { ...plain.target, port: tlsPort, tls };
  const transfer = { ...plain, target, processorMs: () => broker.processorMs() };
  const produced = await produceAll(io, transfer, 1);
  const { requests, batch } = load.transfer;
  const range = { batches: requests, fromBatch: 0, bytesMax: load.bytesMax ?? 1 << 20 };
  const fetched = await fetchAll(io, transfer, range);
  const what = `${Math.max(1, Math.round(batch.bytes.length / 1024))} KiB`;
  load.rounds.add(`${name} produce ${what}`, produced.figures);
  load.rounds.add(`${name} consume ${what}`, fetched.figures);
  return (produced.checksum * 31 + fetched.checksum) | 0;
}

/** Returns the authority; both products read server.pem in the folder. */
export async function makeKeys(io: Io, folder: string): Promise<Buffer> {
  const nowMs = io.clock.now();
  const pem = await newAuthority('bench', { nowMs, serial: io.random.bytes(16) });
  const authority = readKeyed(pem);
  if (authority === null) throw new Error('the authority that was made cannot be read');
  const hosts = { names: ['localhost'], addresses: ['127.0.0.1'] };
  const server = await newServer(authority, hosts, { nowMs, serial: io.random.bytes(16) });
  writeFileSync(join(folder, 'server.pem'), server);
  return Buffer.from(authority.certificate.toString());
}

async function createAcls(io: Io, broker: BrokerProcess, others: number): Promise<void> {
  const admin = new Admin({ bootstrapServers: `${broker.host}:${broker.port}` }, io);
  const common = { resourceType: 2, host: '*', permissionType: 3 };
  const own = { ...common, resourceName: 't-', patternType: 4, principal: 'User:ANONYMOUS' };
  await admin.acls.create([3, 4, 8].map((operation) => ({ ...own, operation })));
  for (let from = 0; from < others; from += 1000) {
    const acls = Array.from({ length: Math.min(1000, others - from) }, (_, index) => {
      const number = from + index;
      const principal = `User:user-${number % 97}`;
      const pattern = { resourceName: `topic-${number}`, patternType: 3 + (number % 2) };
      return { ...common, ...pattern, principal, operation: 3 + (number % 2) };
    });
    await admin.acls.create(acls);
  }
  await admin.close();
}
