// CreateAcls: the controller keeps them; whoever serves learns of them by the next image.

import type { ItemError } from '../../metadata/index.ts';
import { createAcls, KafkaError, type RequestOf } from '../../protocol/index.ts';
import { type AclBinding, clusterResourceName } from '../../security/acl/index.ts';
import {
  AclOperation,
  AclResource,
  assertAuthorizer,
  assertMayOnCluster,
} from '../authorization.ts';
import { defineHandler } from '../handler.ts';

type Creation = RequestOf<typeof createAcls>['creations'][number];

export const createAclsHandler = defineHandler(createAcls, async (request, context) => {
  assertMayOnCluster(context, AclOperation.ALTER);
  assertAuthorizer(context.broker.authorizer, 'No Authorizer is configured.');
  const { broker, client } = context;
  const acls = request.creations.map(bindingOf);
  const refused = acls.map(refusalOf);
  const asked = acls.filter((_, index) => refused[index] === null);
  const results =
    asked.length === 0 ? [] : await broker.controllerFor(client).createAcls({ acls: asked });
  let next = 0;
  return {
    results: refused.map((refusal) => {
      const error = refusal ?? results[next++]?.error ?? null;
      return { errorCode: error?.code ?? 0, errorMessage: error?.message ?? null };
    }),
  };
});

/** What is wrong before the controller looks. */
function refusalOf({ resourceType, resourceName }: AclBinding): ItemError | null {
  if (resourceType === AclResource.CLUSTER && resourceName !== clusterResourceName) {
    const why = `The only valid name for the CLUSTER resource is ${clusterResourceName}`;
    return new KafkaError('INVALID_REQUEST', why);
  }
  return resourceName === ''
    ? new KafkaError('INVALID_REQUEST', 'Invalid empty resource name')
    : null;
}

function bindingOf({ resourcePatternType: patternType, ...acl }: Creation): AclBinding {
  return { ...acl, patternType };
}
