// What clients tell on their tracing channels, and what becomes of it: spans, lines of a log.

import assert from 'node:assert/strict';
import { tracingChannel } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ScriptedCluster } from '../../tests/doubles/client/scripted-cluster.ts';
import type { Io } from '../io/index.ts';
import { clientLog } from './client-log.ts';
import { connect } from './connect.ts';
import { isHeard, traced } from './diagnostics.ts';
// Loaded late otherwise, which takes real time.
import './opentelemetry.ts';
import type { OpenTelemetryApi } from './opentelemetry-api.ts';
import { traceWithOpenTelemetry } from './telemetry.ts';

function scene(title: string, run: (io: Io, cluster: ScriptedCluster) => Promise<void>): void {
  test(title, () => simulate(async (io) => run(io, await ScriptedCluster.start(io))));
}

scene(
  'who listens hears of sends, polls and requests, and may add headers',
  async (io, cluster) => {
    cluster.addTopic('t', [1]);
    const heard: string[] = [];
    const unsubscribe: (() => void)[] = [];
    for (const name of ['send', 'poll', 'request'] as const) {
      const channel = tracingChannel<unknown, object>(`partita:${name}`);
      const told = (event: string) => (message: object) => {
        const { api, record } = message as { api?: string; record?: { topic: string } };
        heard.push(`${name} ${event} ${api ?? record?.topic ?? ''}`.trim());
        if (event !== 'start' || record === undefined) return;
        Object.assign(message, { record: { ...record, headers: [{ key: 'h', value: null }] } });
      };
      const handlers = {
        start: told('start'),
        end: () => {},
        asyncStart: () => {},
        asyncEnd: told('end'),
        error: told('error'),
      };
      channel.subscribe(handlers);
      unsubscribe.push(() => void channel.unsubscribe(handlers));
    }
    const kafka = connect({ bootstrapServers: cluster.bootstrapServers }, io);
    await kafka.producer({ lingerMs: 0 }).send({ topic: 't', value: 'x' });
    const consumer = kafka.consumer();
    await consumer.assign([{ topic: 't', partition: 0, offset: 'earliest' }]);
    const [record] = await consumer.poll(5_000);
    for (const each of unsubscribe) each();
    assert.equal([...(record?.headers ?? [])][0]?.key, 'h');
    for (const line of ['send start t', 'send end t', 'poll start', 'request end Produce']) {
      assert.ok(heard.includes(line), `${line} in ${heard.join(', ')}`);
    }
    assert.equal(heard.filter((line) => line.startsWith('send start')).length, 1);
    await kafka.close();
  },
);

test('nothing is made for a channel to which nobody listens', async () => {
  assert.equal(isHeard('commit'), false);
  const call = (): Promise<number> => Promise.resolve(1);
  const message = (): never => assert.fail('a message was made');
  assert.equal(await traced('commit', message, call), 1);
});

scene(
  'spans have the names of the conventions, and the trace goes with the record',
  async (io, cluster) => {
    cluster.addTopic('t', [1]);
    const { api, spans, measured } = recordingApi();
    const end = await traceWithOpenTelemetry(api);
    const kafka = connect({ bootstrapServers: cluster.bootstrapServers }, io);
    const producer = kafka.producer({ lingerMs: 0 });
    await producer.send({ topic: 't', key: 'k', value: null });
    const consumer = kafka.consumer({ groupId: 'g' });
    await consumer.assign([{ topic: 't', partition: 0, offset: 'earliest' }]);
    const records = await consumer.poll(5_000);
    const message = () => ({ clientId: 'c', groupId: 'g', records });
    await traced('process', message, async () => {});
    const both = () => ({ ...message(), records: [...records, ...records] });
    await traced('process', both, async () => {});
    cluster.onProduce = () => 29;
    await assert.rejects(producer.send({ topic: 't', value: 'x' }));
    end();
    assert.equal(isHeard('send'), false);
    const [send, poll, process, batch, refused] = spans;
    assert.deepEqual(
      [send?.name, poll?.name, process?.name, batch?.name, refused?.name],
      ['send t', 'poll', 'process t', 'process t', 'send t'],
    );
    const { attributes } = send as RecordedSpan;
    assert.equal(attributes['messaging.system'], 'kafka');
    assert.equal(attributes['messaging.destination.name'], 't');
    assert.equal(attributes['messaging.destination.partition.id'], '0');
    assert.equal(attributes['messaging.kafka.offset'], 0);
    assert.equal(attributes['messaging.kafka.message.key'], 'k');
    assert.equal(attributes['messaging.kafka.message.tombstone'], true);
    assert.equal(poll?.attributes['messaging.batch.message_count'], 1);
    assert.equal(process?.parent, 'span 1');
    assert.deepEqual(batch?.links, ['span 1', 'span 1']);
    assert.equal(refused?.attributes['error.type'], 'TOPIC_AUTHORIZATION_FAILED');
    assert.ok(spans.every((span) => span.isEnded));
    assert.deepEqual(
      measured.filter((line) => line.includes('messages')),
      [
        'messaging.client.sent.messages 1',
        'messaging.client.consumed.messages 1',
        'messaging.client.sent.messages 1',
      ],
    );
    await kafka.close();
  },
);

test('a package that is not there is said in one line with the remedy', async () => {
  await assert.rejects(traceWithOpenTelemetry(), {
    code: 'ILLEGAL_STATE',
    message: '@opentelemetry/api is not installed',
    hint: /npm install @opentelemetry\/api/,
  });
});

scene('a line that comes again within a minute is held back, and counted', async (io) => {
  const lines: object[] = [];
  const write = (fields: object, message: string): void => void lines.push({ message, ...fields });
  const logger = { debug: write, info: write, warn: write, error: write };
  const log = clientLog(io.clock, io.log, logger).child('client');
  for (let i = 0; i < 3; i++) {
    log.warn('no connection', { broker: 1 });
    await io.clock.sleep(10_000);
  }
  log.warn('no connection', { broker: 2 });
  await io.clock.sleep(40_000);
  log.warn('no connection', { broker: 1 });
  assert.deepEqual(lines, [
    { message: 'no connection', component: 'client', broker: 1 },
    { message: 'no connection', component: 'client', broker: 2 },
    { message: 'no connection', component: 'client', broker: 1, heldBack: 2 },
  ]);
});

interface RecordedSpan {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  readonly parent: unknown;
  readonly links: unknown[];
  isEnded: boolean;
}

/** An API that remembers; a context is the name of the span in it. */
function recordingApi() {
  const spans: RecordedSpan[] = [];
  const measured: string[] = [];
  const measure = (name: string) => (value: number) => {
    measured.push(`${name} ${value}`);
  };
  interface Options {
    attributes: Record<string, unknown>;
    links?: { context: unknown }[];
  }
  const startSpan = (name: string, options: object, parent?: unknown) => {
    const { attributes, links = [] } = options as Options;
    const contexts = links.map(({ context }) => context);
    const span = { name, attributes, parent, links: contexts, isEnded: false };
    spans.push(span);
    const id = `span ${spans.length}`;
    return {
      setAttribute: (key: string, value: unknown) => {
        attributes[key] = value;
      },
      recordException: () => {},
      setStatus: () => {},
      spanContext: () => ({ id }),
      id,
      end: () => {
        span.isEnded = true;
      },
    };
  };
  const api = {
    trace: {
      getTracer: () => ({ startSpan }),
      setSpan: (_: unknown, span: unknown) => (span as { id: string }).id,
      getSpanContext: (context: unknown) => context,
    },
    context: { active: () => null },
    propagation: {
      inject: (context: unknown, carrier: object, { set }: { set: (...of: unknown[]) => void }) =>
        set(carrier, 'traceparent', context),
      extract: (_: unknown, carrier: object, { get }: { get: (...of: unknown[]) => unknown }) =>
        get(carrier, 'traceparent'),
    },
    metrics: {
      getMeter: () => ({
        createHistogram: (name: string) => ({ record: measure(name) }),
        createCounter: (name: string) => ({ add: measure(name) }),
      }),
    },
  };
  return { api: api as unknown as OpenTelemetryApi, spans, measured };
}
