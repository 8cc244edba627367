// What a broker answers, API by API and version by version, is what docs/conformance.md says; and
// a configuration key that is called served is read.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  brokerConfigDefinitions,
  type Definition,
  groupConfigDefinitions,
  topicConfigDefinitions,
} from '../../src/config/index.ts';
import { projectRoot } from '../root.ts';
import { askBroker, type BrokerAnswers, versionsOf } from './ask-broker.ts';
import { readKeys } from './configuration-reads.ts';
import { documentConformance } from './document-conformance.ts';
import { kafkaApis } from './kafka-apis.ts';
import { absent, partly } from './remarks.ts';

describe('conformance', () => {
  let answers: BrokerAnswers;
  before(async () => {
    answers = await askBroker();
  });

  test('every version that is advertised is answered, and no other one is', () => {
    for (const [key, name] of kafkaApis) {
      const range = answers.advertised.get(key);
      for (const [version, outcome] of answers.outcomes.get(key) ?? []) {
        const isServed = range !== undefined && version >= range.min && version <= range.max;
        const refusals = ['connection closed', 'UNSUPPORTED_VERSION'];
        // A sample may be refused for what it says; only not for its version.
        const isAnswered = !refusals.includes(outcome) || isRefusedByContent(name, outcome);
        assert.equal(isServed, isServed && isAnswered, `${name} v${version}: ${outcome}`);
        if (!isServed) assert.ok(refusals.includes(outcome), `${name} v${version}: ${outcome}`);
      }
    }
  });

  test('an API that is served has all versions of Kafka', () => {
    for (const [key, name, versions] of kafkaApis) {
      const range = answers.advertised.get(key);
      if (range === undefined) continue;
      const all = versionsOf(versions);
      assert.ok(range.min <= (all[0] ?? 0), `${name} ${versions}`);
      assert.ok(range.max >= (all.at(-1) ?? 0), `${name} ${versions}`);
    }
  });

  test('nothing is advertised that Kafka does not have', () => {
    const known = new Set(kafkaApis.map(([key]) => key));
    assert.deepEqual(
      [...answers.advertised.keys()].filter((key) => !known.has(key)),
      [],
    );
  });

  test('remarks are about APIs that are served, and reasons about those that are not', () => {
    const served = kafkaApis.filter(([key]) => answers.advertised.has(key)).map(([, name]) => name);
    const stale = Object.keys(partly).filter((name) => !served.includes(name));
    assert.deepEqual(stale, []);
    const missing = kafkaApis.filter(([key, , , internal]) => {
      return !internal && !answers.advertised.has(key);
    });
    for (const [pattern, why] of absent.slice(0, -1)) {
      assert.ok(
        missing.some(([, name]) => pattern.test(name)),
        `nothing is absent: ${why}`,
      );
    }
  });

  test('docs/conformance.md is what npm run docs writes', () => {
    const page = readFileSync(join(projectRoot, 'docs', 'conformance.md'), 'utf8');
    const message = 'docs/conformance.md is behind what a broker answers: npm run docs';
    assert.ok(page === documentConformance(answers), message);
  });
});

/** InitProducerId and the like answer UNSUPPORTED_VERSION for what they lack. */
function isRefusedByContent(name: string, outcome: string): boolean {
  return outcome === 'UNSUPPORTED_VERSION' && name in partly;
}

describe('configuration keys', () => {
  const read = readKeys();
  const claimed = (definitions: Readonly<Record<string, Definition>>): string[] =>
    Object.keys(definitions).filter((key) => definitions[key]?.accepted === undefined);

  test('a broker key that is called served is read', () => {
    const unread = claimed(brokerConfigDefinitions).filter((key) => !read.broker.has(key));
    assert.deepEqual(unread, []);
  });

  test('a topic key that is called served is read', () => {
    assert.deepEqual(
      claimed(topicConfigDefinitions).filter((key) => !read.topic.has(key)),
      [],
    );
  });

  test('a group key that is called served is read', () => {
    assert.deepEqual(
      claimed(groupConfigDefinitions).filter((key) => !read.group.has(key)),
      [],
    );
  });
});
