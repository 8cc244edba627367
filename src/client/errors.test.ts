// What every error of a client says of itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ScriptedCluster } from '../../tests/doubles/client/scripted-cluster.ts';
import { IoError, TlsError } from '../io/index.ts';
import { ErrorCode, KafkaError, produce, withPlace } from '../protocol/index.ts';
import { ClientConfigError } from './client-config-error.ts';
import { documentErrors, explainError, nearestError } from './error-guide/index.ts';
import {
  type ClientError,
  explained,
  IllegalStateError,
  InvalidArgumentError,
  isClientError,
} from './errors.ts';
import { Admin, Consumer, Producer } from './index.ts';

function assertComplete(error: unknown): asserts error is ClientError {
  assert.ok(isClientError(error), String(error));
  assert.match(error.hint, /^[A-Z].{10,}\.$/, error.message);
  for (const kind of ['retriable', 'fatal', 'abortable'] as const) {
    assert.equal(typeof error[kind], 'boolean', kind);
  }
  assert.ok(error.code !== undefined);
}

test('every error of Kafka has a remedy of one line, and an example', () => {
  for (const [name, code] of Object.entries(ErrorCode)) {
    if (code === 0) continue;
    assertComplete(KafkaError.fromCode(code));
    const found = explainError(name.toLowerCase());
    assert.deepEqual(explainError(String(code)), found);
    assert.ok(found?.example, name);
  }
  assert.ok(documentErrors().includes('| 19 | NOT_ENOUGH_REPLICAS | retriable |'));
});

test('errors of the system and of the program are complete', () => {
  const refused = explained(new IoError('ECONNREFUSED', 'refused'), { broker: 'a:1' });
  assertComplete(refused);
  assert.deepEqual([refused.broker, refused.retriable, refused.fatal], ['a:1', true, false]);
  const stranger = explained(new TlsError('CERT_UNKNOWN', 'unknown'), {});
  assertComplete(stranger);
  assert.deepEqual([stranger.retriable, stranger.fatal], [false, true]);
  for (const error of [
    explained(new IoError('EWHATEVER', 'x'), {}),
    new IllegalStateError('x'),
    new InvalidArgumentError('x'),
    new ClientConfigError('x'),
  ]) {
    assertComplete(error);
  }
});

test('kinds are those of KIP-1050', () => {
  const kinds = (name: keyof typeof ErrorCode) => {
    const { errorKind, retriable, abortable, fatal } = new KafkaError(name);
    return [errorKind, retriable, abortable, fatal];
  };
  assert.deepEqual(kinds('REQUEST_TIMED_OUT'), ['retriable', true, false, false]);
  assert.deepEqual(kinds('NOT_COORDINATOR'), ['refresh-retriable', true, false, false]);
  assert.deepEqual(kinds('TRANSACTION_ABORTABLE'), ['abortable', false, true, false]);
  assert.deepEqual(kinds('PRODUCER_FENCED'), ['application-recoverable', false, false, true]);
  assert.deepEqual(kinds('INVALID_REQUIRED_ACKS'), ['invalid-configuration', false, false, true]);
  assert.deepEqual(kinds('OFFSET_OUT_OF_RANGE'), ['other', false, false, false]);
});

test('an error that fails two requests says of each where it happened', () => {
  const error = new KafkaError('NETWORK_EXCEPTION', 'lost');
  const first = withPlace(error, { topic: 'a', partition: 0 });
  const second = withPlace(first, { topic: 'b', partition: 0 });
  assert.equal(first, error);
  assert.deepEqual([first.topic, second.topic, second.message], ['a', 'b', 'lost']);
  assert.ok(second instanceof KafkaError && second.stack === error.stack);
  assert.equal(second.retriable, true);
});

test('a name that does not exist finds the nearest', () => {
  assert.equal(explainError('NOT_ENOUGH_REPLICA'), null);
  assert.equal(nearestError('NOT_ENOUGH_REPLICA'), 'NOT_ENOUGH_REPLICAS');
  assert.equal(nearestError('TopicAuthorizationException'), 'TOPIC_AUTHORIZATION_FAILED');
  assert.equal(nearestError('ECONREFUSED'), 'ECONNREFUSED');
  assert.equal(explainError('NONE'), null);
  assert.equal(explainError('999'), null);
  assert.equal(explainError('illegal-state')?.kind, 'ours');
});

test('what a program gets says where, how often and for how long', async () => {
  await simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const { bootstrapServers } = cluster;
    cluster.addTopic('t', [1]);
    cluster.serve(produce, () => {});
    const producer = new Producer(
      { bootstrapServers, requestTimeoutMs: 1_000, deliveryTimeoutMs: 3_000, acks: 1 },
      io,
    );
    const failure = await producer.send({ topic: 't', value: 'x' }).catch((error) => error);
    assertComplete(failure);
    const { topic, partition, attempts } = failure;
    assert.deepEqual([topic, partition], ['t', 0]);
    assert.ok((attempts ?? 0) >= 1 && (failure.elapsedMs ?? 0) >= 3_000, `${failure.elapsedMs}`);
    assert.throws(
      () => void producer.write(null as never),
      (error) => {
        assertComplete(error);
        return error instanceof TypeError;
      },
    );
    await producer.close();
    assertComplete(await producer.send({ topic: 't', value: 'x' }).catch((error) => error));
    const admin = new Admin({ bootstrapServers: 'nobody:1', defaultApiTimeoutMs: 2_000 }, io);
    const unreached = await admin.listTopics().catch((error) => error);
    assertComplete(unreached);
    assert.ok((unreached.attempts ?? 0) > 1);
    assertComplete(unreached.cause);
    await admin.close();
    const consumer = new Consumer({ bootstrapServers }, io);
    try {
      consumer.seek({ topic: 't', partition: 0 }, 1);
      assert.fail('a seek of what is not assigned');
    } catch (error) {
      assertComplete(error);
    }
    await consumer.close();
  });
});
