// The commands of a cluster see the configuration that the broker sees.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { configOf } from './named-cluster.ts';

const flags = { config: '/server.properties' };

test('the environment says as whom a ZooKeeper is asked, as it does for a broker', () =>
  simulate(async (io) => {
    const file = io.disk.open(flags.config, 'create');
    file.write([Buffer.from('zookeeper.connect=a:2181\n')], 0);
    file.close();
    const login = 'java.security.auth.login.config';
    const config = configOf(io, flags, { KAFKA_OPTS: `-D${login}=/etc/jaas.conf` });
    assert.equal(config.systemProperties.get(login), '/etc/jaas.conf');
    assert.equal(config.get('cluster.store'), 'zookeeper://a:2181');
  }));

test('a file that is not there is named in one line', () =>
  simulate(async (io) => {
    const message = 'there is no file /server.properties';
    assert.throws(() => configOf(io, flags, {}), { message });
  }));
