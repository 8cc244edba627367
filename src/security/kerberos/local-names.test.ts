// Names of users, as the rules of Kafka (and Hadoop) make them of names of Kerberos.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError } from '../../config/index.ts';
import { SaslError } from '../sasl/sasl-exchange.ts';
import { localNames } from './local-names.ts';

const realm = 'REALM.COM';

function named(rules: readonly string[], principal: string): string | null {
  try {
    return localNames(rules, realm)(principal);
  } catch (error) {
    if (error instanceof SaslError) return null;
    throw error;
  }
}

describe('rules', () => {
  test('are those of Kafka', () => {
    // From KerberosNameTest and KerberosRuleTest of Apache Kafka: what they state.
    const rules = [
      'RULE:[1:$1](App\\..*)s/App\\.(.*)/$1/g',
      'RULE:[2:$1](App\\..*)s/App\\.(.*)/$1/g',
      'DEFAULT',
    ];
    assert.equal(named(rules, `App.service-name/example.com@${realm}`), 'service-name');
    assert.equal(named(rules, `App.service-name@${realm}`), 'service-name');
    assert.equal(named(rules, `user/host@${realm}`), 'user');
    const lower = [
      'RULE:[1:$1]/L',
      'RULE:[2:$1](Test.*)s/ABC///L',
      'RULE:[2:$1](ABC.*)s/ABC/XYZ/g/L',
    ];
    assert.equal(named(lower, `User@${realm}`), 'user');
    assert.equal(named(lower, `TestABC/host@FOO.COM`), 'test');
    assert.equal(named(lower, `ABC_User_ABC/host@FOO.COM`), 'xyz_user_xyz');
    const upper = [
      'RULE:[1:$1]/U',
      'RULE:[2:$1](Test.*)s/ABC///U',
      'RULE:[2:$1](ABC.*)s/ABC/XYZ/g/U',
    ];
    assert.equal(named(upper, `User@${realm}`), 'USER');
    assert.equal(named(upper, `ABC_User_ABC/host@FOO.COM`), 'XYZ_USER_XYZ');
  });

  test('DEFAULT is for the own realm, with a host or without', () => {
    assert.equal(named(['DEFAULT'], `alice@${realm}`), 'alice');
    assert.equal(named(['DEFAULT'], `kafka/broker.example@${realm}`), 'kafka');
    assert.equal(named(['DEFAULT'], 'alice@OTHER.COM'), null);
    assert.equal(named(['DEFAULT'], 'alice'), 'alice');
  });

  test('the whole of a name has to match, and the number of its parts', () => {
    const rules = ['RULE:[1:$1@$0](.*@OTHER.COM)s/@.*//'];
    assert.equal(named(rules, 'alice@OTHER.COM'), 'alice');
    assert.equal(named(rules, 'alice@OTHER.COM.EVIL'), null);
    assert.equal(named(rules, 'alice/host@OTHER.COM'), null);
    assert.equal(named(rules, `alice@${realm}`), null);
    assert.equal(named(['RULE:[2:$2-$1-$0]'], 'a/b@C'), 'b-a-C');
  });

  test('only the first match is replaced without g', () => {
    assert.equal(named(['RULE:[1:$1]s/a/b/'], 'aaa@R'), 'baa');
    assert.equal(named(['RULE:[1:$1]s/a/b/g'], 'aaa@R'), 'bbb');
    assert.equal(named(['RULE:[1:$1]s/(a)(.*)/$2\\$$1/'], 'ab@R'), 'b$a');
  });

  test('what still is a name of Kerberos is nobody, whatever rules follow', () => {
    assert.equal(named(['RULE:[1:$1@$0]', 'DEFAULT'], `alice@${realm}`), null);
    assert.equal(named(['RULE:[2:$1/$2]', 'DEFAULT'], `alice/admin@${realm}`), null);
  });

  test('names with signs of Kerberos in their parts are nobody', () => {
    for (const name of ['a/b/c@R', 'a@b@R', 'a\\@b@R', 'a\\/b/c@R', '@@', 'a/b/c/d@']) {
      assert.equal(named(['RULE:[1:$1]', 'RULE:[2:$1]', 'DEFAULT'], name), null, name);
    }
  });

  test('no name takes for ever to match', () => {
    const rules = localNames(['RULE:[1:$1@](a*a*a*a*@)s/(a|a)*b//'], realm);
    const from = process.cpuUsage();
    assert.throws(() => rules(`${'a'.repeat(20_000)}@R`), SaslError);
    assert.ok(process.cpuUsage(from).user < 5_000_000);
  });
});

test('what is no rule refuses the start with the rule', () => {
  const refused = (rule: string, message: RegExp): void => {
    assert.throws(
      () => localNames([rule], realm),
      (error: Error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /sasl.kerberos.principal.to.local.rules/);
        assert.match(error.message, message);
        return true;
      },
    );
  };
  for (const rule of [
    'default',
    'RULE',
    'RULE:[1:$1',
    'RULE:[:$1]',
    'RULE:[1:$1]s/a/b',
    'DEFAULT/L',
  ]) {
    refused(rule, /is no rule; expected RULE:/);
  }
  refused('RULE:[1:$2]', /has \$2: \$0 to \$1/);
  refused('RULE:[1:$]', /has \$: /);
  refused('RULE:[1:$1](?<=a)', /is no rule|RE2/);
  refused('RULE:[1:$1]([)', /RE2/);
  refused('RULE:[1:$1]s/a/$1/', /\$1 is no group: the pattern has 0/);
  refused('RULE:[1:$1]s/a/$/', /\$ is no group/);
});
