// Very many ACLs in one answer: the same bytes as in one piece, made in many turns.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PersistentMap } from '../../base/persistent-map.ts';
import type { AclEntry } from '../../metadata/index.ts';
import { describeAcls, encodeResponse } from '../../protocol/index.ts';
import { AclOperation, AclPattern, AclPermission, AclResource } from '../../security/acl/index.ts';
import { everyRight } from '../authorization.ts';
import type { RequestContext } from '../handler.ts';
import { describeAclsHandler } from './describe-acls.ts';

const everything = {
  ...{ resourceTypeFilter: AclResource.ANY, resourceNameFilter: null },
  ...{ patternTypeFilter: AclPattern.ANY, principalFilter: null, hostFilter: null },
  ...{ operation: AclOperation.ANY, permissionType: AclPermission.ANY },
};

/** Half of them on one topic, the others on one each. */
function aclsOf(count: number): AclEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ id: `id-${index}`, resourceType: AclResource.TOPIC, patternType: AclPattern.LITERAL },
    resourceName: index % 2 === 0 ? 'all' : `topic-${index}`,
    ...{ principal: `User:${index}`, host: '*' },
    ...{ operation: AclOperation.READ, permissionType: AclPermission.ALLOW },
  }));
}

/** What the handler sees of a broker where each look at the clock takes a millisecond. */
function contextOf(acls: readonly AclEntry[], apiVersion: number) {
  const seen = { turns: 0, looks: 0, mutes: 0 };
  const clock = {
    monotonic: () => seen.looks++,
    nextTurn: (callback: () => void) => {
      seen.turns++;
      assert.equal(seen.mutes, 1, 'nothing else of this client is begun');
      queueMicrotask(callback);
    },
  };
  const connection = { mute: () => seen.mutes++, unmute: () => seen.mutes-- };
  const image = { acls: PersistentMap.from(acls.map((acl) => [acl.id, acl])) };
  const broker = { authorizer: {}, io: { clock } };
  const context = { rights: everyRight, broker, client: { connection }, image, apiVersion };
  return { seen, context: context as unknown as RequestContext };
}

test('very many ACLs are told in one answer that is made in many turns', async () => {
  const acls = aclsOf(6000);
  for (const version of [1, 3]) {
    const { seen, context } = contextOf(acls, version);
    const body = await describeAclsHandler.handle(everything, context);
    assert.ok(body !== null);
    assert.equal(seen.mutes, 0);
    assert.ok(seen.looks > (2 * acls.length) / 256, `${seen.looks} looks at the clock`);
    assert.ok(seen.turns > seen.looks / 8, `${seen.turns} turns`);
    const byName = new Map<string, AclEntry & { acls: AclEntry[] }>();
    for (const acl of context.image.acls.values()) {
      const resource = byName.get(acl.resourceName) ?? { ...acl, acls: [] };
      resource.acls.push(acl);
      byName.set(acl.resourceName, resource);
    }
    const resources = [...byName.values()];
    const whole = { errorCode: 0, errorMessage: null, throttleTimeMs: 0, resources };
    assert.deepEqual(
      Buffer.concat(encodeResponse(describeAcls, version, 1, { throttleTimeMs: 0, ...body })),
      Buffer.concat(encodeResponse(describeAcls, version, 1, whole)),
    );
  }
});
