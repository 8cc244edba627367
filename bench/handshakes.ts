// Does an honest client notice strangers who keep the encrypted listener busy? It produces a record
// every few milliseconds over TLS, in turns: alone; beside connections that never finish their
// handshake, and come again when they are closed; and beside full handshakes, as fast as can be.
// The strangers come from many addresses, since one alone is bounded
// (ssl.handshakes.per.second.per.ip.max), and from a process of their own: the client is not to
// wait for its own strangers.
//
//   --profile FOLDER    the broker writes a profile of its processor time there
//   bench handshakes --strangers PORT --beside unfinished    is such a process

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { type ConnectTls, createNodeIo, type Io } from '../src/io/index.ts';
import { BrokerProcess } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { parseFlags } from './flags.ts';
import { makeKeys } from './security.ts';
import { beginTopic } from './transfer.ts';
import { prepareBatch, producedOffset, produceFrame, WireClient } from './wire-client.ts';

const defaults = {
  rounds: 5,
  seconds: 10,
  'pause-ms': 5,
  unfinished: 2000,
  addresses: 40,
  'at-a-time': 64,
  beside: 'nobody,unfinished,handshakes',
  profile: '',
  /** Not for users: the process of the strangers. */
  strangers: 0,
};

type HandshakeFlags = typeof defaults;

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  if (flags.strangers > 0) return await beStrangers(flags);
  const io = createNodeIo({ logLevel: 'error' });
  const folder = mkdtempSync(join(tmpdir(), 'partita-bench-keys-'));
  const ca = await makeKeys(io, folder);
  const keyFile = join(folder, 'server.pem');
  const { profile } = flags;
  const nodeFlags = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const broker = await BrokerProcess.prepare(io, 'partita', { keyFile, nodeFlags });
  const rounds = new Rounds();
  let checksum = 0;
  try {
    await broker.start();
    for (let round = -1; round < flags.rounds; round++) {
      for (const beside of flags.beside.split(',')) {
        const strangers = beside === 'nobody' ? null : startStrangers(broker, beside, flags);
        await io.clock.sleep(500);
        const usedMs = broker.processorMs();
        const latencies = await produceSteadily(io, broker, { ca, flags, topic: `t${round}` });
        const share = (broker.processorMs() - usedMs) / (10 * flags.seconds);
        const made = await strangers?.leave();
        checksum = latencies.length > 0 ? 1 : checksum;
        const figures: Record<string, number> = {
          ...figuresOf(latencies),
          'processor-%': share,
        };
        const what = beside === 'handshakes' ? 'handshakes/s' : 'connections/s';
        if (made !== undefined) figures[what] = made / (flags.seconds + 0.5);
        if (round >= 0) rounds.add(`honest client beside ${beside}`, figures);
      }
    }
    if (profile !== '') await broker.stop();
  } finally {
    await broker.dispose();
    rmSync(folder, { recursive: true });
  }
  rounds.print();
  printChecksum(checksum);
}

/** Records one after another, each at its time; how long each took, in ms. */
async function produceSteadily(
  io: Io,
  { host, port, tlsPort }: BrokerProcess,
  run: { readonly ca: Buffer; readonly flags: HandshakeFlags; readonly topic: string },
): Promise<number[]> {
  const { ca, flags, topic } = run;
  const batch = prepareBatch(200, 100);
  const target = { host, port, topic };
  await beginTopic(io, { target, batch, requests: 1, inFlight: 1 });
  const tls: ConnectTls = { ca, identity: null, serverName: 'localhost', verify: 'name' };
  const client = await WireClient.connect(io, { host, port: tlsPort, tls });
  const frame = produceFrame(target, batch, 1);
  const latencies: number[] = [];
  const endMs = performance.now() + 1000 * flags.seconds;
  while (performance.now() < endMs) {
    const beganMs = performance.now();
    producedOffset(await client.exchange(1, 1, () => frame));
    latencies.push(performance.now() - beganMs);
    await io.clock.sleep(flags['pause-ms']);
  }
  client.close();
  return latencies;
}

function figuresOf(latencies: number[]): Record<string, number> {
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

function startStrangers({ tlsPort }: BrokerProcess, beside: string, flags: HandshakeFlags) {
  const { unfinished, addresses } = flags;
  const args = [
    ...[process.argv[1] as string, 'handshakes', '--strangers', `${tlsPort}`, '--beside', beside],
    ...['--unfinished', `${unfinished}`, '--addresses', `${addresses}`],
    ...['--at-a-time', `${flags['at-a-time']}`],
  ];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 2] });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return {
    leave: async (): Promise<number> => {
      await new Promise((resolve) => {
        child.once('close', resolve);
        child.kill('SIGTERM');
      });
      return Number(/made (\d+)/.exec(output)?.[1] ?? 0);
    },
  };
}

async function beStrangers(flags: HandshakeFlags): Promise<void> {
  const made = { count: 0 };
  if (flags.beside === 'unfinished') hangAround(flags, made);
  else makeHandshakes(flags, made);
  await new Promise((resolve) => process.once('SIGTERM', resolve));
  console.log(`made ${made.count}`);
  process.exit(0);
}

/** Connections that send the first byte of a handshake, and begin anew when they are closed. */
function hangAround(flags: HandshakeFlags, made: { count: number }): void {
  const begin = (index: number): void => {
    const socket = connectFrom(index, flags);
    socket.once('connect', () => {
      made.count++;
      socket.write(Buffer.from([0x16]));
    });
    socket.once('close', () => setTimeout(begin, 100, index));
  };
  for (let index = 0; index < flags.unfinished; index++) begin(index);
}

function makeHandshakes(flags: HandshakeFlags, made: { count: number }): void {
  const begin = (index: number): void => {
    const socket = connectTls({
      ...{ socket: connectFrom(index, flags), rejectUnauthorized: false, servername: 'localhost' },
    });
    socket.once('secureConnect', () => {
      made.count++;
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => setImmediate(begin, index + flags['at-a-time']));
  };
  for (let index = 0; index < flags['at-a-time']; index++) begin(index);
}

function connectFrom(index: number, { strangers: port, addresses }: HandshakeFlags) {
  const localAddress = `127.0.1.${1 + (index % addresses)}`;
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  socket.on('error', () => {});
  return socket;
}
