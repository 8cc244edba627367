// Which topics an expression of a group stands for, by the rights of the members that have it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  settle,
  TestConsumer,
  TestTopics,
  withConsumers,
} from '../../../../tests/doubles/coordinator/consumers.ts';
import type { TopicRights } from './consumer-group.ts';

/** ACLs of one principal, which can change. */
class TestRights {
  version = 1;
  readonly #requester: string;
  #topics: readonly string[];

  constructor(requester: string, topics: readonly string[]) {
    this.#requester = requester;
    this.#topics = topics;
  }

  set(topics: readonly string[]): void {
    this.#topics = topics;
    this.version += 1;
  }

  readonly get = (): TopicRights => ({
    requester: this.#requester,
    aclsVersion: this.version,
    mayDescribe: (topic) => this.#topics.includes(topic),
  });
}

describe('an expression of members with rights', () => {
  test('stands for no topic that the member may not describe', async () => {
    await withConsumers(new TestTopics({ open: 1, secret: 1 }), async (at) => {
      const rights = new TestRights('User:a', ['open']).get;
      const a = new TestConsumer(at, { regex: '.*', rights });
      await a.join();
      await settle(at, a);
      assert.deepEqual(a.owned, ['open-0']);
    });
  });

  test('does not tell a member what another one may describe', async () => {
    await withConsumers(new TestTopics({ open: 1, secret: 4 }), async (at) => {
      const all = new TestRights('User:a', ['open', 'secret']).get;
      const a = new TestConsumer(at, { regex: '.*', rights: all });
      await a.join();
      await settle(at, a);
      assert.equal(a.owned.length, 5);
      const few = new TestRights('User:b', ['open']).get;
      const b = new TestConsumer(at, { regex: '.*', rights: few });
      await b.join();
      await settle(at, a, b);
      assert.deepEqual([...a.owned, ...b.owned], ['open-0']);
      // Another expression is another matter; and the first has its topics back without the other.
      await b.leave();
      await at.io.clock.sleep(2000);
      const c = new TestConsumer(at, { regex: '.+', rights: few });
      await c.join();
      await settle(at, a, c);
      assert.equal([...a.owned, ...c.owned].length, 5);
      assert.ok(c.owned.every((one) => one === 'open-0'));
    });
  });

  test('keeps to rights that are known after a restart, and when topics come', async () => {
    const topics = new TestTopics({ open: 1 });
    await withConsumers(topics, async (at) => {
      const all = new TestRights('User:a', ['open', 'secret']).get;
      const few = new TestRights('User:b', ['open']).get;
      const a = new TestConsumer(at, { regex: '.*', rights: all });
      const b = new TestConsumer(at, { regex: '.*', rights: few });
      await a.join();
      await b.join();
      await settle(at, a, b);
      await at.restart();
      topics.set('secret', 4);
      await at.io.clock.sleep(2000);
      await a.heartbeat();
      await b.heartbeat();
      await settle(at, a, b);
      assert.deepEqual([...a.owned, ...b.owned], ['open-0']);
      await b.leave();
      await at.io.clock.sleep(2000);
      await settle(at, a);
      assert.equal(a.owned.length, 5);
    });
  });

  test('follows the ACLs', async () => {
    await withConsumers(new TestTopics({ open: 1, secret: 1 }), async (at) => {
      const rights = new TestRights('User:a', ['open', 'secret']);
      const a = new TestConsumer(at, { regex: '.*', rights: rights.get });
      await a.join();
      await settle(at, a);
      assert.equal(a.owned.length, 2);
      rights.set(['open']);
      await settle(at, a);
      assert.deepEqual(a.owned, ['open-0']);
      rights.set(['open', 'secret']);
      await at.io.clock.sleep(2000);
      await settle(at, a);
      assert.equal(a.owned.length, 2);
    });
  });

  test('is judged anew when another client speaks for the member', async () => {
    await withConsumers(new TestTopics({ open: 1, secret: 1 }), async (at) => {
      let rights = new TestRights('User:a', ['open', 'secret']).get;
      const options = { regex: '.*', instanceId: 'i', rights: () => rights() };
      const a = new TestConsumer(at, options);
      await a.join();
      await settle(at, a);
      await a.leave(-2);
      rights = new TestRights('User:b', ['open']).get;
      const b = new TestConsumer(at, options);
      await b.join();
      assert.deepEqual(b.owned, ['open-0']);
    });
  });
});
