// The layout of log lines, and the levels of the real log.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeIo } from './index.ts';
import { logLine } from './log-line.ts';

const timeMs = new Date(2026, 10, 21, 2, 46, 1, 23).getTime();

test('an entry is laid out as Kafka lays out its own', () => {
  const fields = { partition: 'orders-0', offset: 42, reason: 'torn tail', lost: null };
  assert.equal(
    logLine({ timeMs, level: 'warn', component: 'log', message: 'Truncated', fields }),
    '[2026-11-21 02:46:01,023] WARN Truncated partition=orders-0 offset=42 ' +
      'reason="torn tail" lost=null (log)',
  );
  assert.equal(
    logLine({ timeMs, level: 'info', component: '', message: 'Started' }),
    '[2026-11-21 02:46:01,023] INFO Started',
  );
});

test('an entry is one line whatever it holds', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const fields = { error: new Error('broken\nin two'), list: ['a\nb'], text: 'x\r\ny', circular };
  const line = logLine({ timeMs, level: 'error', component: 'c', message: 'a\nb', fields });
  assert.doesNotMatch(line, /[\r\n]/);
  assert.match(line, /ERROR a \| b error="Error: broken \| in two/);
});

test('no field of an entry does anything to a terminal, or begins a line there', () => {
  const strange = ['\x1b]0;x\x07', '\x9b2J', '\x7f', 'a\u0085b', 'a\u2028b', '\u202eb', '\0'];
  const plain = /^[\x20-\x7e]*$/;
  for (const text of strange) {
    const fields = { name: text, quoted: `${text} "`, list: [text], error: new Error(text) };
    const line = logLine({ timeMs, level: 'warn', component: 'c', message: text, fields });
    assert.match(line, plain, JSON.stringify(text));
  }
  const clientId = `${'x'.repeat(32_000)}\u001b`;
  const line = logLine({
    timeMs,
    level: 'info',
    component: '',
    message: 'm',
    fields: { clientId },
  });
  assert.ok(line.endsWith('x\\u001b'));
});

test('entries below the level are dropped, and a child names its component', () => {
  const lines: string[] = [];
  const { log } = createNodeIo({ logLevel: 'warn', logSink: (line) => lines.push(line) });
  log.debug('no');
  log.info('no');
  log.warn('one');
  log.child('broker').error('two', { count: 2 });
  const texts = lines.map((line) => line.replace(/^\[.{23}\] /, ''));
  assert.deepEqual(texts, ['WARN one', 'ERROR two count=2 (broker)']);
});

test('levels change while the process runs, for all components or for one', () => {
  const lines: string[] = [];
  const { log } = createNodeIo({ logLevel: 'warn', logSink: (line) => lines.push(line) });
  const broker = log.child('broker');
  const network = log.child('network');
  const speak = (): string[] => {
    broker.debug('b');
    network.debug('n');
    return lines.splice(0).map((line) => line.slice(-8));
  };
  const { levels } = log;
  assert.ok(levels !== undefined);
  assert.deepEqual(speak(), []);
  levels.set('network', 'TRACE');
  assert.deepEqual(speak(), ['network)']);
  levels.set('root', 'DEBUG');
  levels.set('network', 'FATAL');
  assert.deepEqual(speak(), ['(broker)']);
  levels.unset('network');
  assert.deepEqual(
    [...levels.entries()],
    [
      ['root', 'DEBUG'],
      ['broker', 'DEBUG'],
      ['network', 'DEBUG'],
    ],
  );
});
