// The directories of an Apache Kafka node are opened by our broker, with its metadata, and those
// of our broker by Apache Kafka: topics, ids, configurations, every record under both isolation
// levels, its leader epoch and headers, lookups by time, groups and their offsets, quotas.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasKafka } from '../toolchain.ts';
import { assertSameContent, ServerProcess } from './server-process.ts';

const timeout = 600_000;

/** A killed broker may not have noted yet, no more than Kafka, where deleted records end. */
function lasting(text: string, signal: string): string {
  return signal === 'SIGTERM' ? text : text.replaceAll(/^.*\bdeleted-1\b.*\n/gm, '');
}

describe('a directory', { concurrency: 2 }, () => {
  test('of an Apache Kafka node that was stopped or killed is served by ours, and given back', {
    timeout,
  }, async (t) => {
    if (!hasKafka(t)) return;
    const server = await ServerProcess.prepare({ quorum: 'in log' });
    t.after(() => server.dispose());
    await server.format();
    await server.start('kafka');
    const whenStopped = await server.content('write', 'list');
    await server.stop();
    server.keep('stopped');
    await server.start('kafka');
    // While Kafka has the directory, ours must not take it.
    assert.match(await server.refusal(), /is in use by another broker/);
    const whenKilled = await server.content('more', 'list');
    await server.stop('SIGKILL');
    server.keep('killed');

    await t.test('after a clean stop everything is served as Kafka served it', async () => {
      server.restore('stopped');
      await server.start('partita');
      assertSameContent(await server.content('list'), whenStopped);
      await server.stop();
    });

    let written = '';
    await t.test('after a kill too; and transactions, groups and topics go on', async () => {
      server.restore('killed');
      await server.start('partita');
      assertSameContent(await server.content('list'), whenKilled);
      written = await server.content('churn', 'finish', 'list');
      await server.stop();
    });

    await t.test('Kafka takes the directory back and serves what ours wrote', async () => {
      await server.start('kafka');
      assertSameContent(await server.content('list'), written);
      await server.content('more');
      await server.stop();
    });
  });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`of ours is served by Apache Kafka after ${signal}`, { timeout }, async (t) => {
      if (!hasKafka(t)) return;
      const server = await ServerProcess.prepare({ quorum: 'in file' });
      t.after(() => server.dispose());
      await server.start('partita');
      const expected = await server.content('write', 'more', 'list');
      await server.stop(signal);
      await server.start('kafka');
      assertSameContent(lasting(await server.content('list'), signal), lasting(expected, signal));
      if (signal === 'SIGTERM') await server.content('churn', 'finish');
      await server.stop();
    });
  }
});
