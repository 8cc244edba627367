// The values of --add-config.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddedConfigs, withoutSecrets } from './added-configs.ts';

const parse = (text: string): Record<string, string> => Object.fromEntries(parseAddedConfigs(text));

describe('--add-config', () => {
  test('takes pairs with commas between them', () => {
    assert.deepEqual(parse('a=1, b = 2 ,c='), { a: '1', b: '2', c: '' });
  });

  test('keeps the commas inside of brackets', () => {
    assert.deepEqual(parse('a=[x,y],b=1'), { a: 'x,y', b: '1' });
    assert.deepEqual(parse('cleanup.policy=[compact,delete]'), {
      'cleanup.policy': 'compact,delete',
    });
  });

  test('keeps further equal signs in the value', () => {
    assert.deepEqual(parse('a=b=c'), { a: 'b=c' });
  });

  test('refuses what is no pair', () => {
    assert.throws(() => parse('a=1,b'), /Invalid entity config behind a: .*"key=val"/);
    assert.throws(() => parse('=1'), /Invalid entity config/);
  });
});

describe('arguments that are printed', () => {
  test('have no passwords, however they are given', () => {
    const cases: readonly (readonly [string[], string])[] = [
      [
        ['--alter', '--add-config', 'retention.ms=5,cleanup.policy=[a,b]'],
        '--alter --add-config retention.ms=5,cleanup.policy=[a,b]',
      ],
      [
        ['--add-config', 'ssl.key.password=x,y,a=b'],
        '--add-config ssl.key.password=[hidden],[hidden],a=b',
      ],
      [
        ['--add-config=listener.name.a.ssl.key.password=x'],
        '--add-config=listener.name.a.ssl.key.password=[hidden]',
      ],
      [
        ['--add-config', 'SCRAM-SHA-512=[password=x,iterations=1]'],
        '--add-config SCRAM-SHA-512=[hidden]',
      ],
      [['--add-config', 'com.example.apiToken=x'], '--add-config com.example.apiToken=[hidden]'],
      [
        ['--add-config', 'listener.name.a.ssl.client.auth=none'],
        '--add-config listener.name.a.ssl.client.auth=none',
      ],
    ];
    for (const [args, expected] of cases) assert.equal(withoutSecrets(args), expected);
  });

  test('are named by the key before them where they are no configs', () => {
    const refusal = (error: Error): boolean =>
      /^Invalid entity config behind ssl\.key\.password: all/.test(error.message) &&
      !error.message.includes('rest');
    assert.throws(() => parse('ssl.key.password=a,rest'), refusal);
    assert.throws(() => parse('rest'), /^UsageError: Invalid entity config: all/);
  });
});
