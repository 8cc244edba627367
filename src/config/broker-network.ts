// Listeners, sockets, connections and the limits of single requests.

import { type Definitions, int, list, long, string } from './definition.ts';
import { reasons } from './reasons.ts';

export const brokerNetwork = {
  listeners: list(
    ['PLAINTEXT://:9092'],
    'Addresses to listen on, as name://host:port; an empty host is every interface.',
    { importance: 'high', update: 'per-broker', notEmpty: true },
  ),
  'advertised.listeners': list(
    null,
    'Addresses told to clients. Without it a client is told the address it reached the broker at.',
    { importance: 'high', notEmpty: true },
  ),
  'listener.security.protocol.map': string(
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'Which security protocol each listener name stands for, as NAME:PROTOCOL between commas.',
    { importance: 'low', update: 'per-broker' },
  ),
  'inter.broker.listener.name': string(
    null,
    'Listener between brokers; without it, that of security.inter.broker.protocol.',
  ),
  'security.inter.broker.protocol': string(
    'PLAINTEXT',
    'Security protocol between brokers while inter.broker.listener.name is not set.',
    { oneOf: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] },
  ),
  'early.start.listeners': list(null, 'Listeners that open before the authorizer is ready.', {
    importance: 'high',
    accepted: 'all listeners open together, once the broker is ready',
  }),
  'num.network.threads': int(3, 'Threads that read requests from sockets.', {
    importance: 'high',
    update: 'cluster-wide',
    min: 1,
    accepted: reasons.threads,
  }),
  'num.io.threads': int(8, 'Threads that handle requests.', {
    importance: 'high',
    update: 'cluster-wide',
    min: 1,
    accepted: reasons.threads,
  }),
  'queued.max.requests': int(
    500,
    'Requests that may wait for a handler before sockets are no longer read.',
    {
      importance: 'high',
      min: 1,
      accepted: 'requests are handled as they arrive; TCP slows a client that sends too fast',
    },
  ),
  'queued.max.request.bytes': long(-1, 'Bytes of requests that may wait; -1 for no limit.', {
    accepted: 'requests are handled as they arrive; TCP slows a client that sends too fast',
  }),
  'socket.listen.backlog.size': int(50, 'Connections that may wait in the kernel to be accepted.', {
    min: 1,
    accepted: 'the backlog is the one of the runtime',
  }),
  'socket.request.max.bytes': int(
    104_857_600,
    'Largest request, in bytes; a larger one closes its connection.',
    { importance: 'high', min: 1 },
  ),
  'socket.receive.buffer.bytes': int(
    102_400,
    "Size of the kernel's receive buffer of a socket, in bytes; -1 for the system's own.",
    { importance: 'high', accepted: reasons.socketBuffers },
  ),
  'socket.send.buffer.bytes': int(
    102_400,
    "Size of the kernel's send buffer of a socket, in bytes; -1 for the system's own.",
    { importance: 'high', accepted: reasons.socketBuffers },
  ),
  'socket.connection.setup.timeout.ms': long(
    10_000,
    'First limit on the time to connect to another broker, in ms.',
    { min: 1 },
  ),
  'socket.connection.setup.timeout.max.ms': long(
    30_000,
    'Longest limit on the time to connect to another broker, in ms.',
    { min: 1 },
  ),
  'connections.max.idle.ms': long(
    600_000,
    'Time without traffic after which a connection is closed, in ms.',
  ),
  'connections.max.reauth.ms': long(
    0,
    'Time after which a client must authenticate again, in ms; 0 for never.',
  ),
  'connection.failed.authentication.delay.ms': int(
    100,
    'Wait before a connection whose authentication failed is closed, in ms.',
    { importance: 'low', min: 0 },
  ),
  'max.connections': int(2_147_483_647, 'Connections this broker accepts at a time.', {
    update: 'cluster-wide',
    min: 0,
  }),
  'max.connections.per.ip': int(2_147_483_647, 'Connections accepted at a time from one address.', {
    update: 'cluster-wide',
    min: 0,
  }),
  'max.connections.per.ip.overrides': string(
    '',
    'Limits for single addresses or host names, as host:count between commas.',
    { update: 'cluster-wide' },
  ),
  'max.connection.creation.rate': int(2_147_483_647, 'New connections accepted per second.', {
    update: 'cluster-wide',
    min: 0,
  }),
  'request.timeout.ms': int(30_000, 'Time this broker waits for the answer of another, in ms.', {
    importance: 'high',
  }),
  'fetch.max.bytes': int(57_671_680, 'Most bytes of records in the answer to one fetch.', {
    min: 1024,
  }),
  'max.incremental.fetch.session.cache.slots': int(1000, 'Fetch sessions kept at a time.', {
    min: 0,
  }),
  'max.request.partition.size.limit': int(
    2000,
    'Most partitions described by one DescribeTopicPartitions request.',
    { min: 1 },
  ),
  'fetch.purgatory.purge.interval.requests': int(
    1000,
    'Waiting fetches between two sweeps of finished ones.',
    { accepted: reasons.purgatory },
  ),
  'producer.purgatory.purge.interval.requests': int(
    1000,
    'Waiting produces between two sweeps of finished ones.',
    { accepted: reasons.purgatory },
  ),
  'delete.records.purgatory.purge.interval.requests': int(
    1,
    'Waiting deletions of records between two sweeps.',
    { accepted: reasons.purgatory },
  ),
  'share.fetch.purgatory.purge.interval.requests': int(
    1000,
    'Waiting share fetches between two sweeps.',
    { accepted: reasons.purgatory },
  ),
} satisfies Definitions;
