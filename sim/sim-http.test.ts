// A provider of tokens in a world, and who asks it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenEndpoint } from '../src/security/sasl/token-endpoint.ts';
import { World } from './index.ts';
import { serveHttp } from './sim-http.ts';

const credentials = { url: 'http://idp:8080/token', clientId: 'a', clientSecret: 'b', scope: null };

test('a process of a world asks another by HTTP, and notices when it cannot', async () => {
  const world = new World({});
  const [client, provider] = [world.startProcess('client'), world.startProcess('idp')];
  const { clock, network } = client.io;
  const source = tokenEndpoint(clock, (request) => network.http(request), credentials);
  const ask = async () => source();
  await assert.rejects(world.settle(ask()), /idp:8080.token: .*ECONNREFUSED/);
  let body = JSON.stringify({ access_token: 'x', expires_in: 10 });
  await world.settle(
    serveHttp(provider.io, 8080, (request) => {
      assert.equal(request.body, 'grant_type=client_credentials');
      return { status: 200, body };
    }),
  );
  assert.equal((await world.settle(ask())).value, 'x');
  body = 'x'.repeat(2 ** 20 + 1);
  await assert.rejects(world.settle(ask()), /the answer has more than 1048576 bytes/);
  world.network.partition(['client'], ['idp']);
  const beganMs = clock.monotonic();
  await assert.rejects(world.settle(ask()), /idp:8080.token: .*no answer (with)?in 10000 ms/);
  assert.equal(clock.monotonic() - beganMs, 10_000);
});
