// A key store at a real etcd that has no space, is compacted all the time, asks who we are, or
// loses members.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Io, Log } from '../../../src/io/index.ts';
import { createNodeIo } from '../../../src/io/node-io.ts';
import {
  EtcdStore,
  type EtcdStoreOptions,
  parseEtcdAddress,
} from '../../../src/metadata/engines/etcd/index.ts';
import { type KeyStore, StoreAwayError } from '../../../src/metadata/engines/keyed/key-store.ts';
import { put, until } from '../../../src/metadata/engines/keyed/key-store-contract.ts';
import { assertRefusesGarbage } from '../store-garbage.ts';
import { answers, present } from '../toolchain.ts';
import { EtcdCluster, type EtcdOptions } from './etcd-process.ts';

const isPresent = answers('etcd', '--version') && answers('etcdctl', 'version');

/** The lines that a process logs are kept. */
function listeningIo(): { io: Io; lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string): void => void lines.push(message);
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  const { clock, disk, network, random } = createNodeIo({ logLevel: 'off' });
  return { io: { clock, disk, network, random, log }, lines };
}

async function withEtcd(
  t: TestContext,
  options: EtcdOptions,
  body: (etcd: EtcdCluster) => Promise<void>,
): Promise<void> {
  if (!present(t, isPresent, 'etcd')) return;
  const etcd = await EtcdCluster.start(options);
  try {
    await body(etcd);
  } finally {
    await etcd.stop();
  }
}

type Access = Parameters<typeof parseEtcdAddress>[1];

function open(
  io: Io,
  hosts: string,
  access?: Access,
  options: Partial<EtcdStoreOptions> = {},
): Promise<EtcdStore> {
  const address = parseEtcdAddress(`etcd://${hosts}/kafka`, access);
  return EtcdStore.open(io, { address, sessionTimeoutMs: 3_000, openTimeoutMs: 6_000, ...options });
}

/** What was last read of `end`, which is read whenever its watch is called. */
function following(store: EtcdStore): () => string {
  let seen = '';
  const read = async (): Promise<void> => {
    seen = (await store.get('end'))?.value.toString() ?? '';
  };
  // The etcd may be gone by the time that it is asked: the watch is called again once it is back.
  store.watch('end', 'value', () => {
    read().catch((error) => assert.ok(error instanceof StoreAwayError, error));
  });
  return () => seen;
}

test('into the alarm for space and out of it, without a restart', async (t) => {
  await withEtcd(t, { args: ['--quota-backend-bytes=16777216'] }, async (etcd) => {
    const { io, lines } = listeningIo();
    const store = await open(io, etcd.hosts);
    const session = store.sessionNumber;
    const becomes = Buffer.alloc(1_000_000, 'x');
    const fill = async (): Promise<void> => {
      for (let number = 0; ; number++) {
        assert.ok(number < 60);
        const change = [{ key: `pieces/1/${number}`, was: null, becomes }];
        assert.notEqual(await store.commit(change), null);
      }
    };
    await assert.rejects(fill(), { errorName: 'KAFKA_STORAGE_ERROR', message: /alarm disarm/ });
    assert.ok(
      lines.some((line) => /no space.*etcdctl alarm disarm/.test(line)),
      lines.join('\n'),
    );
    // A broker that starts now says at once for what it waits.
    const before = lines.length;
    await assert.rejects(open(io, etcd.hosts, {}, { openTimeoutMs: 100 }), /etcdctl alarm disarm/);
    assert.match(lines.slice(before).join('\n'), /has no space/);
    // Reads, removals and the session go on.
    assert.notEqual(await store.get('pieces/1/0'), null);
    await io.clock.sleep(4_000);
    assert.equal(store.sessionNumber, session);
    await store.remove('pieces/1');
    const status = JSON.parse(etcd.etcdctl('endpoint', 'status', '-w', 'json'));
    etcd.etcdctl('compact', '--physical', `${status[0].Status.header.revision}`);
    etcd.etcdctl('defrag');
    etcd.etcdctl('alarm', 'disarm');
    await put(store, 'end', 'goes on');
    assert.ok(lines.some((line) => line.includes('has space again')));
    await store.close();
  });
});

test('an etcd that is compacted every second loses nothing that is watched', async (t) => {
  const args = ['--auto-compaction-mode=periodic', '--auto-compaction-retention=1s'];
  await withEtcd(t, { args }, async (etcd) => {
    const { io } = listeningIo();
    const [writer, reader] = [await open(io, etcd.hosts), await open(io, etcd.hosts)];
    const seen = following(reader);
    for (let number = 0; number < 120; number++) {
      await put(writer, 'end', `${number}`);
      await put(writer, `log/0/${number}`, `${number}`);
      if (number % 40 === 30) {
        // A member that was restarted has no watches any more.
        await etcd.kill(0);
        etcd.startMember(0);
        await etcd.untilReady();
      }
    }
    let last = 120;
    await until(io, 'what happened is compacted', async () => {
      await put(writer, 'end', `${++last}`);
      const old = await etcd.ask('/v3/kv/range', { key: 'AA==', revision: '50' });
      return `${old.message}`.includes('has been compacted');
    });
    await until(io, 'the last change is seen', () => seen() === `${last}`);
    await Promise.all([writer.close(), reader.close()]);
  });
});

test('users: who is asked proves it, again after a restart; others are refused', async (t) => {
  await withEtcd(t, {}, async (etcd) => {
    const { io, lines } = listeningIo();
    const stranger = await open(io, etcd.hosts);
    assert.ok(lines.some((line) => line.includes('is open: whoever reaches it')));
    await stranger.close();
    etcd.etcdctl('user', 'add', 'root:secret1');
    etcd.etcdctl('user', 'add', 'kafka:secret2');
    etcd.etcdctl('role', 'add', 'kafka');
    etcd.etcdctl('role', 'grant-permission', 'kafka', 'readwrite', '/kafka/', '/kafka0');
    etcd.etcdctl('user', 'grant-role', 'root', 'root');
    etcd.etcdctl('user', 'grant-role', 'kafka', 'kafka');
    etcd.etcdctl('auth', 'enable');
    lines.splice(0);
    const credentials = { username: 'kafka', password: 'secret2' };
    const store = await open(io, etcd.hosts, { credentials });
    assert.deepEqual(lines, []);
    const seen = following(store);
    await put(store, 'end', '1');
    await until(io, 'it is seen', () => seen() === '1');
    await etcd.kill(0);
    etcd.startMember(0);
    await etcd.untilReady();
    await until(io, 'it answers again', () => isAnswering(store));
    await put(store, 'end', '2');
    await until(io, 'it is seen again', () => seen() === '2');
    await store.close();
    for (const refused of [null, { ...credentials, password: 'secret3' }]) {
      await assert.rejects(open(io, etcd.hosts, { credentials: refused }), (error: Error) => {
        assert.match(error.message, /refuses: [^\n]*correct cluster\.store\.username[^\n]*$/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    }
    // What he may not read is no reason to refuse him his own.
    etcd.etcdctl('--user=root:secret1', 'put', '/identity', '{"layout":1}');
    await (await open(io, etcd.hosts, { credentials })).close();
    const address = parseEtcdAddress(`etcd://kafka:secret2@${etcd.hosts}/elsewhere`);
    const elsewhere = EtcdStore.open(io, { address, sessionTimeoutMs: 3_000 });
    await assert.rejects(elsewhere, /permission denied; correct cluster\.store\.username/);
  });
});

async function isAnswering(store: KeyStore): Promise<boolean> {
  return await store.get('end').then(
    () => true,
    () => false,
  );
}

function certificates(folder: string): Record<'ca' | 'server' | 'client', string> {
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  for (const name of ['server', 'client']) {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`, '-days', '2');
  }
  const path = (name: string): string => join(folder, name);
  return { ca: path('ca.pem'), server: path('server.pem'), client: path('client.pem') };
}

test('certificates: both sides prove who they are, or nothing is said', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'partita-etcd-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { ca, server, client } = certificates(folder);
  const args = [`--cert-file=${server}`, `--key-file=${server.replace('.pem', '.key')}`];
  args.push('--client-cert-auth', `--trusted-ca-file=${ca}`);
  await withEtcd(t, { args, scheme: 'https' }, async (etcd) => {
    const { io, lines } = listeningIo();
    const identity = {
      certificate: readFileSync(client),
      key: readFileSync(client.replace('.pem', '.key')),
    };
    const trusted = readFileSync(ca);
    const store = await open(io, etcd.hosts, { tls: { ca: trusted, identity, verify: 'name' } });
    assert.deepEqual(lines, []);
    await put(store, 'end', 'x');
    assert.equal((await store.get('end'))?.value.toString(), 'x');
    await store.close();
    const refused: [string, Access, RegExp][] = [
      [
        'no certificate',
        { tls: { ca: trusted, identity: null, verify: 'name' } },
        /correct cluster\.store\.ssl\.keystore\.location/,
      ],
      [
        'not trusted',
        { tls: { ca: null, identity, verify: 'name' } },
        /correct cluster\.store\.ssl\.truststore\.location/,
      ],
    ];
    const beganMs = io.clock.monotonic();
    for (const [what, access, message] of refused) {
      await assert.rejects(open(io, etcd.hosts, access, { openTimeoutMs: 30_000 }), (error) => {
        const line = (error as Error).message;
        assert.match(line, message, what);
        assert.match(line, /^the cluster store at etcd:[^\n]+$/, what);
        return true;
      });
    }
    assert.ok(io.clock.monotonic() - beganMs < 20_000, 'nobody waits for other certificates');
    // In plain text nothing is said that tells it from an etcd that is about to be there.
    await assert.rejects(open(io, etcd.hosts, {}, { openTimeoutMs: 500 }), {
      message: /if it is encrypted: cluster\.store\.ssl\.enable=true/,
    });
  });
});

test('what no broker can use is refused in one line, and left as it is', async (t) => {
  await withEtcd(t, {}, async ({ hosts }) => {
    const { io } = listeningIo();
    await assertRefusesGarbage(io, () => open(io, hosts));
  });
});
