// Changes as a server reads them: the other side of what the client writes.

import type { JuteReader } from '../../../src/metadata/engines/zookeeper/jute.ts';
import { type Change, opCode, readAcl } from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { MalformedError } from '../../../src/protocol/index.ts';

export function readChange(kind: Change['kind'], body: JuteReader): Change {
  const path = body.text();
  if (kind === 'create') {
    const value = body.bytes();
    const acl = readAcl(body);
    return { kind, path, value, acl, isEphemeral: (body.int() & 1) === 1 };
  }
  if (kind === 'setData') return { kind, path, value: body.bytes(), version: body.int() };
  return { kind, path, version: body.int() };
}

export function readMulti(body: JuteReader): Change[] {
  const changes: Change[] = [];
  for (;;) {
    const type = body.int();
    const isDone = body.bool();
    body.int();
    if (isDone) return changes;
    const found = Object.entries(opCode).find(([, code]) => code === type)?.[0];
    const isChange =
      found === 'create' || found === 'setData' || found === 'delete' || found === 'check';
    if (!isChange) throw new MalformedError(`a change of type ${type}`);
    changes.push(readChange(found, body));
  }
}
