// What the JSON gateway of etcd offers, by path.

import type { Io } from '../../../src/io/io.ts';
import type { EtcdEnsemble } from './etcd-ensemble.ts';
import { EtcdRefusal, type Json } from './etcd-key-space.ts';

interface AnsweringMember {
  readonly io: Io;
  readonly id: number;
  readonly ensemble: EtcdEnsemble;
  readonly tokens: Set<string>;
}

/** @throws EtcdRefusal */
export function answerTo(member: AnsweringMember, path: string, request: Json): Json {
  const { ensemble } = member;
  const { data } = ensemble;
  ensemble.checkSpace();
  switch (path) {
    case '/v3/kv/range':
      return data.range(request);
    case '/v3/kv/put':
      return data.put(request);
    case '/v3/kv/deleterange':
      return data.deleteRange(request);
    case '/v3/kv/txn':
      return data.txn(request);
    case '/v3/kv/compaction':
      return ensemble.compact(request);
    case '/v3/lease/grant':
      return data.grantLease(request, ensemble.leaseNowMs);
    case '/v3/lease/revoke':
      return data.revokeLease(request);
    case '/v3/auth/authenticate':
      return authenticate(member, request);
    case '/v3/maintenance/status':
      return status(member);
    case '/v3/maintenance/defragment':
      ensemble.defragment();
      return {};
    case '/v3/maintenance/alarm':
      if (request.action === 'DEACTIVATE') ensemble.disarm();
      return ensemble.isAlarmed ? { alarms: [{ alarm: 'NOSPACE' }] } : {};
    default:
      throw new EtcdRefusal(12, 'Not Found');
  }
}

function authenticate({ ensemble, io, tokens }: AnsweringMember, { name, password }: Json): Json {
  const { user } = ensemble.options;
  if (user === undefined) throw new EtcdRefusal(9, 'etcdserver: authentication is not enabled');
  if (name !== user.name || password !== user.password) {
    throw new EtcdRefusal(3, 'etcdserver: authentication failed, invalid user ID or password');
  }
  const token = io.random.bytes(8).toString('hex');
  tokens.add(token);
  return { token };
}

function status({ ensemble, id }: AnsweringMember): Json {
  const size = `${ensemble.sizeBytes}`;
  const leader = `${ensemble.leader?.id ?? 0}`;
  const errors = ensemble.isAlarmed ? { errors: [`memberID:${id} alarm:NOSPACE `] } : {};
  return { version: '3.4.23', dbSize: size, dbSizeInUse: size, leader, ...errors };
}
