// The model of etcd against a real one: the same random operations to both, answers compared, and
// what watches were told. A few hundred here; ETCD_OPERATIONS=10000 for as many as one wants, with
// ETCD_SEED for others.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { EtcdEnsemble, EtcdMember } from '../../../sim/models/etcd/index.ts';
import { Prng } from '../../../src/base/prng.ts';
import { createNodeIo } from '../../../src/io/node-io.ts';
import { answers, present } from '../toolchain.ts';
import { EtcdCluster } from './etcd-process.ts';

type Json = Record<string, unknown>;

const count = Number(process.env.ETCD_OPERATIONS ?? 300);
const seed = process.env.ETCD_SEED ?? 'etcd';
const isPresent = answers('etcd', '--version');
const cleanups: (() => Promise<void>)[] = [];

after(async () => {
  for (const cleanUp of cleanups) await cleanUp();
});

test('the model answers as the real etcd does', { timeout: 3_000_000 }, async (t) => {
  if (!present(t, isPresent, 'etcd')) return;
  const etcd = await EtcdCluster.start();
  cleanups.push(() => etcd.stop());
  const member = new EtcdMember(createNodeIo({ logLevel: 'off' }), new EtcdEnsemble());
  const port = await member.listen('127.0.0.1', 0);
  cleanups.push(() => member.close());
  const urls = [etcd.urlOf(0), `http://127.0.0.1:${port}`];
  const operations = new Operations(new Prng(seed));
  const kinds = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const { path, body } = operations.next();
    const [real, model] = await Promise.all(urls.map((url) => ask(url, path, body)));
    const shown = JSON.stringify(body).slice(0, 2_000);
    const what = `operation ${index} of seed ${seed}: ${path} ${shown}`;
    assert.deepEqual(model, real, what);
    operations.revision = Number(real?.revision ?? operations.revision);
    const kind = `${path} ${real?.message ?? 'done'}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (index % 200 === 150) await compareWatches(urls, operations);
  }
  for (const [kind, times] of [...kinds].sort()) t.diagnostic(`${times} times ${kind}`);
  assert.ok(kinds.size > 10, 'many kinds of answers were met');
});

/** Without what only a real member has: its ids, and how old it is. */
async function ask(url: string, path: string, body: Json): Promise<Json> {
  const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
  const { header, error: _, ...answer } = (await response.json()) as Json;
  const { revision } = (header ?? {}) as Json;
  const result = (answer.result as Json | undefined) && withoutHeader(answer.result as Json);
  return { status: response.status, revision, ...answer, ...(result && { result }) };
}

function withoutHeader({ header, ...rest }: Json): Json {
  return { ...rest, revision: (header as Json | undefined)?.revision };
}

/** What both tell of a range from some revision on, up to a last change that ends it. */
async function compareWatches(urls: readonly string[], operations: Operations): Promise<void> {
  const request = operations.watch();
  const last = { key: base64('/p/zz'), value: base64(`${operations.revision}`) };
  const told = await Promise.all(urls.map((url) => watch(url, request, last)));
  assert.deepEqual(told[1], told[0], `watch ${JSON.stringify(request)}`);
  operations.revision += 1;
}

async function watch(url: string, create_request: Json, last: Json): Promise<unknown[]> {
  const end = new AbortController();
  const body = JSON.stringify({ create_request });
  const response = await fetch(`${url}/v3/watch`, { method: 'POST', body, signal: end.signal });
  const told: unknown[] = [];
  let text = '';
  let isPut = false;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(part).toString();
    const lines = text.split('\n');
    text = lines.pop() as string;
    for (const line of lines.filter((each) => each !== '')) {
      const { header: _, events, ...rest } = (JSON.parse(line) as { result: Json }).result;
      if (events === undefined) told.push(rest);
      else for (const event of events as Json[]) told.push(event);
    }
    if (told.length > 0 && !isPut) {
      isPut = true;
      await ask(url, '/v3/kv/put', last);
    }
    const isOver = JSON.stringify(told.at(-1)).includes(last.value as string);
    if (isOver || (told.at(-1) as Json | undefined)?.canceled === true) break;
  }
  end.abort();
  return told;
}

class Operations {
  readonly #prng: Prng;
  revision = 1;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  next(): { path: string; body: Json } {
    const roll = this.#prng.int(100);
    if (roll < 25) return { path: '/v3/kv/range', body: this.#range() };
    if (roll < 40) return { path: '/v3/kv/put', body: this.#put() };
    if (roll < 48) return { path: '/v3/kv/deleterange', body: this.#keys() };
    if (roll < 80) return { path: '/v3/kv/txn', body: this.#txn() };
    if (roll < 84) return { path: '/v3/lease/grant', body: { ID: this.#lease(), TTL: '1000' } };
    if (roll < 90) return { path: '/v3/lease/keepalive', body: { ID: this.#lease() } };
    if (roll < 94) return { path: '/v3/lease/revoke', body: { ID: this.#lease() } };
    if (roll < 97) return { path: '/v3/kv/compaction', body: { revision: this.#revision() } };
    return { path: '/v3/kv/txn', body: this.#tooMuch() };
  }

  watch(): Json {
    const start = Math.max(1, this.revision - this.#prng.int(30));
    const range = { key: base64('/p/'), range_end: base64('/p0') };
    return { ...range, ...(this.#prng.int(3) > 0 && { start_revision: `${start}` }) };
  }

  #key(): string {
    const keys = ['/p/a', '/p/b', '/p/b/c', '/p/b/d', '/p/c', '/p2/a', '/p', ''];
    // The empty key is rare.
    return base64(keys[Math.min(this.#prng.int(40) % 9, 7)] as string) || this.#rareKey();
  }

  #rareKey(): string {
    return this.#prng.int(4) === 0 ? '' : base64('/p/d');
  }

  #keys(): Json {
    const kind = this.#prng.int(4);
    if (kind === 0) return { key: base64('/p/'), range_end: base64('/p0') };
    if (kind === 1) return { key: this.#key(), range_end: this.#key() };
    if (kind === 2 && this.#prng.int(3) === 0) return { key: this.#key(), range_end: 'AA==' };
    return { key: this.#key() };
  }

  #range(): Json {
    return {
      ...this.#keys(),
      ...(this.#prng.int(3) === 0 && { limit: `${this.#prng.int(4)}` }),
      ...(this.#prng.int(5) === 0 && { revision: this.#revision() }),
      ...(this.#prng.int(6) === 0 && { keys_only: true }),
      ...(this.#prng.int(6) === 0 && { count_only: true }),
    };
  }

  #put(): Json {
    const value = base64('v'.repeat(this.#prng.int(4)));
    const lease = this.#prng.int(3) === 0 ? { lease: this.#lease() } : {};
    return { key: this.#key(), value, ...lease };
  }

  #txn(): Json {
    const some = (max: number, make: () => Json): Json[] =>
      Array.from({ length: this.#prng.int(max) }, make);
    return {
      compare: some(3, () => this.#compare()),
      success: some(4, () => this.#operation()),
      failure: some(3, () => this.#operation()),
    };
  }

  #operation(): Json {
    const kind = this.#prng.int(5);
    if (kind === 0) return { request_range: this.#range() };
    if (kind === 1) return { request_delete_range: this.#keys() };
    return { request_put: this.#put() };
  }

  #compare(): Json {
    const result = this.#prng.pick(['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL']);
    const near = `${Math.max(0, this.revision - this.#prng.int(6))}`;
    const zero = this.#prng.int(2) === 0;
    const of = this.#prng.pick<Json>([
      { target: 'MOD', mod_revision: zero ? '0' : near },
      { target: 'CREATE', create_revision: zero ? '0' : near },
      { target: 'VERSION', version: `${this.#prng.int(4)}` },
      { target: 'VALUE', value: base64('v'.repeat(this.#prng.int(4))) },
    ]);
    return { key: this.#key(), result, ...of };
  }

  /** More than a transaction may have: operations, or bytes. */
  #tooMuch(): Json {
    const isMany = this.#prng.int(3) > 0;
    const length = 127 + this.#prng.int(3);
    if (isMany) {
      const make = (_: unknown, index: number): Json => ({
        request_put: { key: base64(`/many/${index}`), value: '' },
      });
      return { success: Array.from({ length }, make) };
    }
    const value = Buffer.alloc(1_700_000, 'x').toString('base64');
    return { success: [{ request_put: { key: base64('/p/large'), value } }] };
  }

  #lease(): string {
    return `${1 + this.#prng.int(4)}`;
  }

  #revision(): string {
    return `${Math.max(0, this.revision + 2 - this.#prng.int(40))}`;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
