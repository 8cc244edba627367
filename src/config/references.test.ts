// References in values: what they stand for, and what is said of those that stand for nothing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BrokerConfig } from './broker-config.ts';
import { ConfigError } from './config-error.ts';
import { loadBrokerConfig } from './load-broker-config.ts';
import { type ReferenceSources, resolveReferences } from './references.ts';

const files: Readonly<Record<string, string>> = {
  '/etc/secrets.properties': 'store=st0re\nnumber=seven\njaas=x required a\\="b";\n',
  '/etc/broken.properties': 'store=\\u12zz-hidden\n',
  '/run/secrets/store': 'from-a-file',
};
const sources: ReferenceSources = {
  readFile: (path) => {
    if (path === '/etc/shut') throw new Error('cannot read /etc/shut: permission denied (EACCES)');
    const text = files[path];
    return text === undefined ? null : Buffer.from(text);
  },
  env: { STORE: 'from-env', EMPTY: '' },
};
const resolved = (properties: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(resolveReferences(new Map(Object.entries(properties)), sources));
const refusal = (properties: Readonly<Record<string, string>>): string => {
  try {
    resolved(properties);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  throw new Error('it was taken');
};
const file = (path: string, key: string): string => `\${file:${path}:${key}}`;
const variable = (name: string): string => `\${env:${name}}`;

describe('a reference', () => {
  test('to a key of a file or to a variable needs no configured provider', () => {
    assert.deepEqual(
      resolved({
        a: file('/etc/secrets.properties', 'store'),
        b: `x-${variable('STORE')}-${variable('EMPTY')}y`,
        c: 'plain',
        d: file('/etc/secrets.properties', 'jaas'),
      }),
      { a: 'st0re', b: 'x-from-env-y', c: 'plain', d: 'x required a="b";' },
    );
  });

  test('is taken with the names that Kafka gives providers', () => {
    const prefix = 'org.apache.kafka.common.config.provider';
    const settings = {
      'config.providers': 'vault, mine,folder',
      'config.providers.vault.class': `${prefix}.EnvVarConfigProvider`,
      'config.providers.mine.class': `${prefix}.FileConfigProvider`,
      'config.providers.folder.class': `${prefix}.DirectoryConfigProvider`,
    };
    const found = resolved({
      ...settings,
      a: `\${vault:STORE}`,
      b: `\${mine:/etc/secrets.properties:store}`,
      c: `\${folder:/run/secrets:store}`,
    });
    assert.deepEqual(found, { ...settings, a: 'from-env', b: 'st0re', c: 'from-a-file' });
  });

  test('is not looked for in what it stands for', () => {
    const nested = { ...sources, env: { A: variable('B'), B: 'secret' } };
    assert.deepEqual(
      [...resolveReferences(new Map([['a', variable('A')]]), nested)],
      [['a', variable('B')]],
    );
  });

  test('to a provider that nobody knows stays as it is written', () => {
    const texts = { a: `\${vault:x:y}`, b: `\${kafka.logs.dir}/x`, c: `$1/\${`, d: `\${}` };
    assert.deepEqual(resolved(texts), texts);
  });

  test('to what is not there is refused with key and remedy', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      [file('/etc/none', 'a'), /^configuration k refers to .*: there is no file \/etc\/none: make/],
      [file('/etc/secrets.properties', 'x'), /has no key x: add it/],
      [variable('NONE'), /there is no variable NONE: export it/],
      [file('/etc/shut', 'a'), /permission denied/],
      [`\${file:/etc/secrets.properties}`, /expected \$\{file:PATH:KEY\}/],
      [`\${env:a:STORE}`, /expected \$\{env:NAME\}/],
    ];
    for (const [text, expected] of cases) assert.match(refusal({ k: text }), expected);
    const broken = refusal({ k: file('/etc/broken.properties', 'store') });
    assert.match(broken, /broken\.properties has a malformed escape/);
    assert.doesNotMatch(broken, /12zz|hidden/);
  });

  test('goes no further than a provider may', () => {
    const within = { 'config.providers.file.param.allowed.paths': '/run, /etc/secrets.properties' };
    const key = file('/etc/secrets.properties', 'store');
    assert.equal(resolved({ ...within, k: key }).k, 'st0re');
    for (const path of ['/etc/broken.properties', '/run/../etc/broken.properties', '/runaway']) {
      assert.match(refusal({ ...within, k: file(path, 'store') }), /not below .*allowed\.paths/);
    }
    const listed = { 'config.providers.env.param.allowlist.pattern': 'ST.*' };
    assert.equal(resolved({ ...listed, k: variable('STORE') }).k, 'from-env');
    assert.match(refusal({ ...listed, k: variable('EMPTY') }), /allowlist\.pattern/);
    const wrong = { 'config.providers.env.param.allowlist.pattern': '(' };
    assert.match(refusal({ ...wrong, k: variable('STORE') }), /no regular expression/);
  });

  test('has a provider that is one of three', () => {
    assert.match(
      refusal({ 'config.providers': 'v', 'config.providers.v.class': 'com.example.Vault' }),
      /^config\.providers\.v\.class is com\.example\.Vault: it may be one of org.*FileConfig/,
    );
    assert.match(refusal({ 'config.providers': 'v' }), /set config\.providers\.v\.class, too/);
  });
});

describe('the configuration of a broker', () => {
  const load = (text: string, env: Record<string, string> = {}): BrokerConfig => {
    const input = { file: { path: 'server.properties', text }, env, references: sources };
    return loadBrokerConfig(input).config;
  };

  test('has what references in its file, its variables and its arguments stand for', () => {
    const reference = file('/etc/secrets.properties', 'store');
    assert.equal(load(`ssl.key.password=${reference}`).get('ssl.key.password'), 'st0re');
    const variables = { KAFKA_SSL_KEY_PASSWORD: variable('STORE') };
    assert.equal(load('', variables).get('ssl.key.password'), 'from-env');
    const { config } = loadBrokerConfig({
      overrides: [['listener.name.ssl.ssl.key.password', reference]],
      references: sources,
    });
    assert.equal(config.getForListener('SSL', 'ssl.key.password'), 'st0re');
    assert.equal(config.describe('ssl.key.password').value, null);
  });

  test('shows the reference where what it stands for is wrong', () => {
    const message = /Invalid value \$\{file:\/etc\/secrets\.properties:number\} for .* node\.id/;
    const text = `node.id=${file('/etc/secrets.properties', 'number')}`;
    assert.throws(
      () => load(text),
      (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /seven/);
        return true;
      },
    );
  });

  test('does not look for references in what is altered over the wire', () => {
    const reference = file('/etc/secrets.properties', 'store');
    const altered = new Map([['ssl.key.password', reference]]);
    const config = load(`ssl.keystore.password=${reference}`).withDynamic(new Map(), altered);
    assert.equal(config.get('ssl.key.password'), reference);
    assert.equal(config.get('ssl.keystore.password'), 'st0re');
  });
});
