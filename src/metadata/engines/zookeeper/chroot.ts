// What is looked at before anything is kept below a chroot, once for each store that is opened:
// that nobody else's tree is there, that the chroot is there, and who may change it.
//
// Invariants: nothing is written where an Apache Kafka stands, nor where one cluster would lie in
// the chroot of another; whoever may not change the chroot is told so now, in one line.

import { KafkaError } from '../../../protocol/index.ts';
import { keys } from '../keyed/layout.ts';
import {
  type AclEntry,
  encodeChange,
  encodeMulti,
  encodePath,
  errorCode,
  permission,
  readAcl,
  readMultiAnswer,
} from './protocol.ts';
import { ZooKeeperError, type ZooKeeperLink } from './zookeeper-link.ts';

export interface ChrootOptions {
  /** Empty: the root. */
  readonly chroot: string;
  /** For the lines that refuse. */
  readonly address: string;
  /** As whom we are known, for the same: `the user kafka (sasl)`. */
  readonly who: string;
  /** Where that is corrected. */
  readonly accessRemedy: string;
  aclOf(path: string): readonly AclEntry[];
}

/** Nodes that Kafka makes and we do not. */
const kafkaNodes = [
  'brokers/ids',
  'brokers/topics',
  'cluster/id',
  'controller_epoch',
  'kafka-acl',
  'migration',
] as const;
/** So many nodes are looked at for clusters further down, where none has begun here yet. */
const nodesLookedAtMax = 1_000;
/** Where ZooKeeper keeps what is its own. */
const ownRoot = '/zookeeper';

/** @throws KafkaError one line; ZooKeeperError, LinkLostError */
export async function openChroot(
  link: ZooKeeperLink,
  options: ChrootOptions,
): Promise<{ readonly mayAnybodyChange: boolean }> {
  const { chroot } = options;
  const { error } = await link.call('sync', encodePath('/'));
  if (error !== errorCode.ok) throw new ZooKeeperError(error, 'sync of /');
  await refuseKafka(link, options);
  await refuseNested(link, options);
  await make(link, options);
  const mayAnybodyChange = await isOpen(link, options);
  if (!mayAnybodyChange) await tryChange(link, options);
  const hasBegun = await exists(link, `${chroot}/${keys.identity}`);
  if (!hasBegun) await refuseOuter(link, options);
  return { mayAnybodyChange };
}

async function refuseKafka(link: ZooKeeperLink, options: ChrootOptions): Promise<void> {
  const { chroot } = options;
  const found = await Promise.all(kafkaNodes.map((name) => exists(link, `${chroot}/${name}`)));
  const at = found.indexOf(true);
  if (at < 0) return;
  throw refusal(options, `belongs to an Apache Kafka (it has ${chroot}/${kafkaNodes[at]})`);
}

/** A chroot lies in another one when a cluster has begun somewhere above it. */
async function refuseNested(link: ZooKeeperLink, options: ChrootOptions): Promise<void> {
  const above = partsOf(options.chroot).slice(0, -1);
  const outer = options.chroot === '' ? [] : ['', ...above];
  const found = await Promise.all(outer.map((path) => exists(link, `${path}/${keys.identity}`)));
  const at = found.indexOf(true);
  if (at < 0) return;
  throw refusal(options, `lies in the chroot ${outer[at] || '/'} of another cluster`);
}

/** The same from the other side, which only a cluster that begins has to ask. */
async function refuseOuter(link: ZooKeeperLink, options: ChrootOptions): Promise<void> {
  const folders = [options.chroot];
  let count = 0;
  for (const folder of folders) {
    if (count > nodesLookedAtMax) return;
    const { error, body } = await link.call('getChildren2', encodePath(folder || '/', false));
    // It went meanwhile, or others may not see what is in it.
    if (error !== errorCode.ok) continue;
    const paths = body.vector((reader) => `${folder}/${reader.text()}`);
    const inner = paths.filter((path) => path !== ownRoot).slice(0, nodesLookedAtMax);
    count += inner.length;
    const found = await Promise.all(inner.map((path) => exists(link, `${path}/${keys.identity}`)));
    const at = found.indexOf(true);
    if (at >= 0) throw refusal(options, `has the chroot ${inner[at]} of another cluster in it`);
    for (const path of inner) folders.push(path);
  }
}

async function make(link: ZooKeeperLink, options: ChrootOptions): Promise<void> {
  for (const path of partsOf(options.chroot)) {
    // Whoever may not make nodes beside it would be refused before he is told that it is there.
    if (await exists(link, path)) continue;
    const acl = options.aclOf(path);
    const change = { kind: 'create', path, value: null, acl, isEphemeral: false } as const;
    const { error } = await link.call('create', encodeChange(change));
    if (error === errorCode.noAuth) throw closed(options, `${path} cannot be made`);
    if (error !== errorCode.ok && error !== errorCode.nodeExists) {
      throw new ZooKeeperError(error, `${path} cannot be made`);
    }
  }
}

async function isOpen(link: ZooKeeperLink, options: ChrootOptions): Promise<boolean> {
  const { error, body } = await link.call('getAcl', encodePath(options.chroot || '/'));
  if (error === errorCode.noAuth) return false;
  if (error !== errorCode.ok) throw new ZooKeeperError(error, 'reading who may change the chroot');
  const changes = permission.write | permission.create | permission.delete | permission.admin;
  return readAcl(body).some(
    ({ permissions, scheme, id }) =>
      scheme === 'world' && id === 'anyone' && (permissions & changes) !== 0,
  );
}

/** A node that is gone with the change that makes it shows whether we may. */
async function tryChange(link: ZooKeeperLink, options: ChrootOptions): Promise<void> {
  const path = `${options.chroot}/access`;
  const acl = options.aclOf(path);
  const { error, body } = await link.call(
    'multi',
    encodeMulti([
      { kind: 'create', path, value: null, acl, isEphemeral: false },
      { kind: 'delete', path, version: -1 },
    ]),
  );
  const result = body.remainingBytes > 0 ? readMultiAnswer(body) : { error, at: 0 };
  if (Array.isArray(result)) return;
  if (result.error === errorCode.noAuth) throw closed(options, 'nodes in it cannot be made');
  throw new ZooKeeperError(result.error, `trying to make ${path}`);
}

async function exists(link: ZooKeeperLink, path: string): Promise<boolean> {
  const { error } = await link.call('exists', encodePath(path, false));
  // Of what is not there nobody is refused.
  if (error === errorCode.ok || error === errorCode.noAuth) return true;
  if (error === errorCode.noNode) return false;
  throw new ZooKeeperError(error, `looking for ${path}`);
}

/** `/a`, `/a/b` of `/a/b`. */
function partsOf(chroot: string): string[] {
  const names = chroot.split('/').slice(1);
  return names.map((_, at) => `/${names.slice(0, at + 1).join('/')}`);
}

function refusal({ address }: ChrootOptions, what: string): KafkaError {
  const remedy = 'name another chroot: zookeeper.connect=host:2181/partita';
  return new KafkaError('INCONSISTENT_CLUSTER_ID', `${address} ${what}; ${remedy}`);
}

function closed({ address, who, accessRemedy }: ChrootOptions, what: string): KafkaError {
  const line = `${address} is closed to ${who} (${what}): ${accessRemedy}`;
  return new KafkaError('CLUSTER_AUTHORIZATION_FAILED', line);
}
