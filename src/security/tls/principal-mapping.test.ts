// ssl.principal.mapping.rules: what Kafka 4.3's own SslPrincipalMapper makes of the same rules, and
// patterns that would not end elsewhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../config/index.ts';
import { principalMapping } from './principal-mapping.ts';

/** Rules, a name, and the user that Kafka finds; null where it finds none. */
const cases: readonly (readonly [rules: string, name: string, user: string | null])[] = [
  ['DEFAULT', 'CN=a,O=b', 'CN=a,O=b'],
  ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/', 'CN=duke,OU=ServiceUsers,O=Org', 'duke'],
  ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,DEFAULT', 'CN=duke,OU=Other', 'CN=duke,OU=Other'],
  [
    'RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L,' +
      'RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L,DEFAULT',
    'CN=Adm,OU=Eng,O=A,L=B,ST=C,C=D',
    'adm@eng',
  ],
  ['RULE:^CN=(.*?)$/$1/U', 'CN=duke', 'DUKE'],
  ['RULE:^CN=(.*?)$/$1$2/', 'CN=duke', 'duke$2'],
  ['RULE:^CN=(.)(.*)$/$12-$0/', 'CN=duke', 'd2-CN=duke'],
  ['RULE:^cn=(.*?)$/$1/U', 'CN=duke', null],
  [' RULE:^CN=(.*?),.*$/$1/L , DEFAULT ', 'CN=Duke,O=x', 'duke'],
  ['RULE:^CN=([^,]*),.*$/a\\/b$1/', 'CN=Duke,O=x', 'a/bDuke'],
  ['DEFAULT,RULE:^CN=(.*)$/$1/L', 'CN=X', 'CN=X'],
  ['', 'CN=X', null],
  ['RULE:^CN=(.*)/$1/L,', 'CN=X', 'x'],
  ['RULE:CN=(a|b)*/z/', 'CN=ab', 'z'],
  ['RULE:.*/$0/', 'CN=ab', 'CN=ab'],
  ['RULE:^CN=(.*)$/\\$1/', 'CN=ab', '$1'],
  ['RULE:a,b/x/L', 'a,b', 'x'],
];

test('rules name the users that they name in Kafka', async () => {
  for (const [rules, name, user] of cases) {
    assert.equal((await principalMapping(rules))(name), user, rules);
  }
});

test('what is no rule is refused as in Kafka, and so are patterns not of RE2', async () => {
  const wrong = ['RULE:CN=x/y/Z', 'RULE:CN=x', 'RULE:^CN=(.*)$/$1/LU', 'default'];
  for (const rules of [...wrong, 'RULE:(/x/', 'RULE:(?=CN)/x/', 'RULE:(a)\\1/x/']) {
    await assert.rejects(principalMapping(rules), (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /^ssl\.principal\.mapping\.rules: .*; /);
      return true;
    });
  }
});

test('a pattern that would backtrack for ever elsewhere is matched at once', async () => {
  const mapping = await principalMapping('RULE:^CN=((a+)+)+$/$1/,DEFAULT');
  const name = `CN=${'a'.repeat(20_000)}!`;
  assert.equal(mapping(name), name);
});
