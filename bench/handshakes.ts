// Does an honest client notice strangers who keep the encrypted listener busy? It produces a record
// every few milliseconds over TLS, in turns: alone; beside connections that never finish their
// handshake; and beside full handshakes, as fast as a process of its own can make them. The
// strangers come from many addresses, since one alone is bounded
// (ssl.handshakes.per.second.per.ip.max).
//
//   bench handshakes --strangers PORT    is that process

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
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
  /** Not for users: the process of the strangers. */
  strangers: 0,
};

type HandshakeFlags = typeof defaults;

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  if (flags.strangers > 0) return await makeHandshakes(flags);
  const io = createNodeIo({ logLevel: 'error' });
  const folder = mkdtempSync(join(tmpdir(), 'partita-bench-keys-'));
  const ca = await makeKeys(io, folder);
  const keyFile = join(folder, 'server.pem');
  const broker = await BrokerProcess.prepare(io, 'partita', { keyFile });
  const rounds = new Rounds();
  let checksum = 0;
  try {
    await broker.start();
    for (let round = -1; round < flags.rounds; round++) {
      for (const beside of ['nobody', 'unfinished', 'handshakes'] as const) {
        const strangers = beside === 'unfinished' ? hangAround(broker, flags) : null;
        const attack = beside === 'handshakes' ? startStrangers(broker, flags) : null;
        await io.clock.sleep(500);
        const usedMs = broker.processorMs();
        const latencies = await produceSteadily(io, broker, { ca, flags, topic: `t${round}` });
        const share = (broker.processorMs() - usedMs) / (10 * flags.seconds);
        strangers?.leave();
        const made = await attack?.leave();
        checksum = latencies.length > 0 ? 1 : checksum;
        const figures: Record<string, number> = {
          ...figuresOf(latencies),
          'processor-%': share,
        };
        if (made !== undefined) figures['handshakes/s'] = made / flags.seconds;
        if (round >= 0) rounds.add(`honest client beside ${beside}`, figures);
      }
    }
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

function addressOf(index: number, { addresses }: HandshakeFlags): string {
  return `127.0.1.${1 + (index % addresses)}`;
}

/** Connections that send the first byte of a handshake, and begin anew when they are closed. */
function hangAround({ host, tlsPort }: BrokerProcess, flags: HandshakeFlags) {
  let isOver = false;
  const open = new Set<Socket>();
  const begin = (index: number): void => {
    if (isOver) return;
    const socket = connect({ host, port: tlsPort, localAddress: addressOf(index, flags) });
    open.add(socket);
    socket.on('error', () => {});
    socket.once('connect', () => socket.write(Buffer.from([0x16])));
    socket.once('close', () => {
      open.delete(socket);
      setTimeout(() => begin(index), 100);
    });
  };
  for (let index = 0; index < flags.unfinished; index++) begin(index);
  return {
    leave: () => {
      isOver = true;
      for (const socket of open) socket.destroy();
    },
  };
}

function startStrangers({ tlsPort }: BrokerProcess, flags: HandshakeFlags) {
  const main = process.argv[1] as string;
  const more = ['--addresses', `${flags.addresses}`, '--at-a-time', `${flags['at-a-time']}`];
  const args = [main, 'handshakes', '--strangers', `${tlsPort}`, ...more];
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

async function makeHandshakes(flags: HandshakeFlags): Promise<void> {
  let made = 0;
  let isOver = false;
  const begin = (index: number): void => {
    if (isOver) return;
    const localAddress = addressOf(index, flags);
    const plain = connect({ host: '127.0.0.1', port: flags.strangers, localAddress });
    plain.on('error', () => {});
    const socket = connectTls({
      ...{ socket: plain, rejectUnauthorized: false, servername: 'localhost' },
    });
    socket.once('secureConnect', () => {
      made++;
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => setImmediate(begin, index + flags['at-a-time']));
  };
  for (let index = 0; index < flags['at-a-time']; index++) begin(index);
  await new Promise((resolve) => process.once('SIGTERM', resolve));
  isOver = true;
  console.log(`made ${made}`);
  process.exit(0);
}
