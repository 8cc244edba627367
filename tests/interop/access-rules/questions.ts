// Random sets of ACLs and questions about them, in the words of KafkaAuthorizer.java. Names,
// principals and hosts are few, so that patterns meet what is asked about.
//
// Not asked is about resources whose names begin with an asterisk: for those Kafka's walk does not
// see the ACLs on `*`, so that a denial of every group does not bind the group `*a`. Here it does.

import { Prng } from '../../../src/base/prng.ts';

const names = ['a', 'ab', 'abc', 'abd', 'b', 'ba', '*', '*a', '!', 'z', 'A', 'hardcode', 'hard'];
const principals = ['User:a', 'User:b', 'User:*', 'Group:a', 'User:', 'User:CN=a,O=b:c'];
const hosts = ['*', '10.0.0.1', '10.0.0.2', '0:0:0:0:0:0:0:1'];
const types = [2, 3, 4, 5, 6, 7];

/** One authorizer's life: 'begin', ACLs and questions. */
export function questionsOf(seed: number): string[] {
  const random = new Prng(seed);
  const int = (min: number, max: number): number => min + random.int(max - min + 1);
  const one = <T>(items: readonly T[]): T => items[random.int(items.length)] as T;
  // Some runs know few of everything, so that ACLs of all kinds meet on one resource.
  const few = int(0, 2) > 0;
  const [someTypes, someNames] = few ? [types.slice(0, 1), names.slice(0, 4)] : [types, names];
  const asked = someNames.filter((name) => name !== '*a');
  const acl = (): string => {
    const operation = int(0, 3) === 0 ? 2 : int(3, 15);
    const few = [one(someTypes), one(someNames), one([3, 4]), one(principals), one(hosts)];
    return ['add', ...few, operation, one([2, 3, 3])].join('\t');
  };
  // Nobody is User:*: Kafka's own class throws where one is.
  const askers = principals.filter((principal) => principal !== 'User:*');
  const asker = (): string[] => [one(askers), one(hosts.slice(1))];
  const question = (): string => {
    const [operation, type] = [int(3, 15), one(someTypes)];
    const kind = int(0, 9);
    if (kind === 0) return ['any', ...asker(), operation, type].join('\t');
    if (kind > 1) return ['ask', ...asker(), operation, type, one(asked)].join('\t');
    const name = one(['-', ...someNames]);
    const [principal, host] = [one(['-', ...principals]), one(['-', ...hosts])];
    const numbers = [one([1, operation]), one([1, 2, 3])];
    return ['find', one([1, type]), name, one([1, 2, 3, 4]), principal, host, ...numbers].join(
      '\t',
    );
  };
  const superUsers = one(['', 'User:a', 'User:root;User:b', 'User:CN=a,O=b:c']);
  const lines = [['begin', one(['true', 'false']), superUsers].join('\t')];
  for (let count = int(1, 4); count > 0; count--) {
    for (let acls = int(0, 12); acls > 0; acls--) {
      const added = acl();
      // The controller makes none twice.
      if (!lines.includes(added)) lines.push(added);
    }
    for (let count = 0; count < 25; count++) lines.push(question());
  }
  return lines;
}
