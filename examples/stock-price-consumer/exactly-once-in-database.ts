// Exactly once with a database: what a record changes and the offset behind it are one transaction
// there. Kafka's own commits play no part: at its start the program seeks to what the database has.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Crash, createConsumer, priceCount, pricesPerStock, stocks, topic } from './prices.ts';

interface Database {
  /** Counts the price and keeps the offset, or neither. */
  book(stock: string, partition: number, nextOffset: number): void;
  offsetOf(partition: number): number;
  countOf(stock: string): number;
  close(): void;
}

/** SQLite where Node.js has it (22.5 and later), else a file that is replaced as a whole. */
async function openDatabase(path: string): Promise<Database> {
  const sqlite = await import('node:sqlite' as string).catch(() => null);
  return sqlite === null ? new FileDatabase(`${path}.json`) : openSqlite(sqlite, `${path}.db`);
}

interface Statement {
  run(...values: unknown[]): unknown;
  get(...values: unknown[]): Record<string, number> | undefined;
}

interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

function openSqlite(
  { DatabaseSync }: { DatabaseSync: new (path: string) => Connection },
  path: string,
): Database {
  const db = new DatabaseSync(path);
  db.exec('create table if not exists counts (stock text primary key, count integer not null)');
  db.exec('create table if not exists offsets (partition integer primary key, next integer)');
  const count = db.prepare(
    'insert into counts values (?, 1) on conflict (stock) do update set count = count + 1',
  );
  const keep = db.prepare('insert or replace into offsets values (?, ?)');
  return {
    book: (stock, partition, nextOffset) => {
      db.exec('begin');
      count.run(stock);
      keep.run(partition, nextOffset);
      db.exec('commit');
    },
    offsetOf: (partition) =>
      db.prepare('select next from offsets where partition = ?').get(partition)?.next ?? 0,
    countOf: (stock) =>
      db.prepare('select count from counts where stock = ?').get(stock)?.count ?? 0,
    close: () => db.close(),
  };
}

class FileDatabase implements Database {
  readonly #path: string;
  readonly #content: { counts: Record<string, number>; offsets: Record<number, number> };

  constructor(path: string) {
    this.#path = path;
    this.#content = { counts: {}, offsets: {} };
    try {
      this.#content = JSON.parse(readFileSync(path, 'utf8'));
    } catch {
      // The first start.
    }
  }

  book(stock: string, partition: number, nextOffset: number): void {
    const { counts, offsets } = this.#content;
    counts[stock] = (counts[stock] ?? 0) + 1;
    offsets[partition] = nextOffset;
    writeFileSync(`${this.#path}.new`, JSON.stringify(this.#content));
    renameSync(`${this.#path}.new`, this.#path);
  }

  offsetOf(partition: number): number {
    return this.#content.offsets[partition] ?? 0;
  }

  countOf(stock: string): number {
    return this.#content.counts[stock] ?? 0;
  }

  close(): void {}
}

export async function exactlyOnceInDatabase(bootstrapServers: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'prices-'));
  const path = join(folder, 'prices');
  try {
    let left = 25;
    await assert.rejects(
      bookAll(bootstrapServers, path, () => --left === 0),
      Crash,
    );
    await bookAll(bootstrapServers, path, () => false);
    const database = await openDatabase(path);
    for (const stock of stocks) assert.equal(database.countOf(stock), pricesPerStock, stock);
    database.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Until all are booked. Dies when it is told to, between the work and the next record. */
async function bookAll(bootstrapServers: string, path: string, dies: () => boolean): Promise<void> {
  const database = await openDatabase(path);
  const consumer = createConsumer(bootstrapServers, 'booking');
  consumer.subscribe([topic], {
    onPartitionsAssigned: (places) => {
      for (const place of places) consumer.seek(place, database.offsetOf(place.partition));
    },
  });
  try {
    const booked = (): number => stocks.reduce((sum, stock) => sum + database.countOf(stock), 0);
    while (booked() < priceCount) {
      for (const { key, partition, offset } of await consumer.poll(500)) {
        database.book(key ?? '', partition, offset + 1);
        if (dies()) throw new Crash();
      }
    }
  } finally {
    database.close();
    await consumer.close();
  }
}
