// A broker proves to a real ZooKeeper who it is by a ticket of a real Kerberos, and what it makes
// there is its own; who cannot prove it is told so in one line.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openNamedStore } from '../../../src/broker/member.ts';
import { loadBrokerConfig } from '../../../src/config/index.ts';
import { createNodeIo } from '../../../src/io/node-io.ts';
import { encodePath, readAcl } from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { hasKerberos, Kdc, realm } from '../kerberos/kdc.ts';
import { anonymousLink, temporaryFolder } from './clients.ts';
import { hasZooKeeper, startServer } from './zookeeper-servers.ts';

const module = 'com.sun.security.auth.module.Krb5LoginModule';

function section(name: string, keyTab: string, principal: string): string {
  const options = `useKeyTab=true storeKey=true keyTab="${keyTab}" principal="${principal}"`;
  return `${name} {\n${module} required ${options};\n};\n`;
}

test('a broker shows a ZooKeeper a ticket of Kerberos', async (t) => {
  if (!hasKerberos(t) || !hasZooKeeper(t)) return;
  const folder = temporaryFolder(t);
  const kdc = await Kdc.start();
  t.after(() => kdc.dispose());
  const services = ['zookeeper/localhost', 'other/localhost', 'kafka/localhost'];
  await kdc.addPrincipals(services);
  Object.assign(process.env, kdc.env);
  const users = join(folder, 'server.jaas');
  const service = 'zookeeper/localhost';
  writeFileSync(users, section('Server', await kdc.keytab('zk.keytab', [service]), service));
  const server = await startServer(t, {
    config: ['authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider'],
    flags: [`-Djava.security.auth.login.config=${users}`],
  });
  const io = createNodeIo({ logLevel: 'off' });
  const keyTab = await kdc.keytab('kafka.keytab', ['kafka/localhost']);
  const jaas = join(folder, 'client.jaas');
  const open = (principal: string, more = '') => {
    writeFileSync(jaas, section('Client', keyTab, principal));
    const krb5 = `-Djava.security.krb5.conf=${kdc.configuration}`;
    const { config } = loadBrokerConfig({
      overrides: [
        ['broker.id', '1'],
        ['log.dirs', join(folder, 'data')],
        ['zookeeper.connect', `localhost:${server.port}/kafka`],
        ['zookeeper.connection.timeout.ms', '20000'],
        ['zookeeper.set.acl', 'true'],
      ],
      env: { KAFKA_OPTS: `-Djava.security.auth.login.config=${jaas} ${krb5} ${more}` },
    });
    return openNamedStore(io, config);
  };
  const store = await open('kafka/localhost');
  await store.close();
  const link = await anonymousLink(t, io, server.port);
  const { body } = await link.call('getAcl', encodePath('/kafka/epoch'));
  const [first] = readAcl(body);
  assert.deepEqual(first, { permissions: 31, scheme: 'sasl', id: `kafka/localhost@${realm}` });

  const refused = async (message: RegExp, principal: string, more = ''): Promise<void> => {
    await assert.rejects(open(principal, more), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(error.message.endsWith(`the section Client of ${jaas}`), error.message);
      return true;
    });
  };
  await refused(/no login at the ZooKeeper at localhost:\d+: GSSAPI: no tickets: /, 'mallory');
  // A ticket for somebody else.
  const notIn = /does not let the user kafka\/localhost in \(sasl\): correct/;
  await refused(notIn, 'kafka/localhost', '-Dzookeeper.sasl.client.username=other');
});
