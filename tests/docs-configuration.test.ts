// The pages of docs that are written from the sources, and the files under config/, say what the
// sources say.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { documentErrors } from '../src/client/error-guide/index.ts';
import { documentValues } from '../src/client/value-guide/index.ts';
import { documentConfiguration, loadBrokerConfig, parseProperties } from '../src/config/index.ts';
import { documentReference } from './reference/index.ts';
import { projectRoot } from './root.ts';

const read = (...path: string[]): string => readFileSync(join(projectRoot, ...path), 'utf8');

describe('the documentation of the configuration', () => {
  test('docs/configuration.md is what npm run docs writes', () => {
    const message = 'docs/configuration.md is behind the tables in src/config: npm run docs';
    assert.ok(read('docs', 'configuration.md') === documentConfiguration(), message);
  });

  test('docs/errors.md is what npm run docs writes', () => {
    const message = 'docs/errors.md is behind the tables of errors: npm run docs';
    assert.ok(read('docs', 'errors.md') === documentErrors(), message);
  });

  test('docs/values.md is what npm run docs writes', () => {
    const message = 'docs/values.md is behind src/client/value-guide: npm run docs';
    assert.ok(read('docs', 'values.md') === documentValues(), message);
  });

  test('docs/client-reference.md is what npm run docs writes', () => {
    const message = 'docs/client-reference.md is behind the TSDoc of src/client: npm run docs';
    assert.ok(read('docs', 'client-reference.md') === documentReference(), message);
  });

  test('config/server.properties starts the same broker as no file at all', () => {
    const file = { path: 'config/server.properties', text: read('config', 'server.properties') };
    const { config, warnings, notes } = loadBrokerConfig({ file });
    const bare = loadBrokerConfig().config;
    assert.deepEqual([warnings, notes], [[], []]);
    const values = (of: typeof config): (string | null)[] =>
      [...of.entries()].map((entry) => `${entry.name}=${entry.value}`);
    assert.deepEqual(values(config), values(bare));
  });

  test('a default shown in config/server.properties is the default', () => {
    const shown = read('config', 'server.properties')
      .split('\n')
      .filter((line) => /^#[a-z.]+=/.test(line))
      .map((line) => line.slice(1));
    // Examples rather than defaults: a name that only its owner knows, and bounds nobody sets.
    const examples = /^(advertised\.listeners|log\.flush\.interval\.\w+|broker\.rack)=/;
    for (const [key, text] of parseProperties(shown.join('\n'))) {
      if (examples.test(`${key}=`)) continue;
      const { config, warnings } = loadBrokerConfig({ overrides: [[key, text]] });
      const entry = [...config.entries()].find(({ name }) => name === key);
      assert.deepEqual(warnings, []);
      assert.equal(entry?.synonyms.find(({ source }) => source === 5)?.value, entry?.value, key);
    }
  });

  test('the files for brokers in docs/cluster.md are read without a remark', () => {
    const shown = [...read('docs', 'cluster.md').matchAll(/```properties\n([\s\S]*?)```/g)];
    const stores = shown.map(([, text = '']) => {
      const { config, warnings, notes } = loadBrokerConfig({ file: { path: 'shown', text } });
      assert.deepEqual([warnings, notes], [[], []]);
      return config.get('cluster.store')?.split('://')[0];
    });
    assert.deepEqual(stores, ['etcd', 'zookeeper', 'zookeeper']);
  });

  test('the files for clients can be read', () => {
    for (const name of ['producer.properties', 'consumer.properties']) {
      const properties = parseProperties(read('config', name));
      assert.equal(properties.get('bootstrap.servers'), 'localhost:9092');
    }
  });
});
