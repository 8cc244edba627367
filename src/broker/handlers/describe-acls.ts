// DescribeAcls: those that the filter finds, by the resource that they are about.

import {
  describeAcls,
  KafkaError,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import { type AclFilter, matchesAcl } from '../../security/acl/index.ts';
import { AclOperation, assertAuthorizer, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

type Request = RequestOf<typeof describeAcls>;
type Resource = ResponseInput<typeof describeAcls>['resources'][number];

export const describeAclsHandler = defineHandler(describeAcls, (request, context) => {
  assertMayOnCluster(context, AclOperation.DESCRIBE);
  assertAuthorizer(context.broker.authorizer, 'No Authorizer is configured on the broker');
  const filter = filterOf(request);
  const byPattern = new Map<
    string,
    { pattern: Omit<Resource, 'acls'>; acls: Resource['acls'][number][] }
  >();
  for (const acl of context.image.acls.values()) {
    if (!matchesAcl(filter, acl)) continue;
    const { resourceType, resourceName, patternType } = acl;
    const { principal, host, operation, permissionType } = acl;
    const key = `${resourceType} ${patternType} ${resourceName}`;
    let found = byPattern.get(key);
    if (found === undefined) {
      found = { pattern: { resourceType, resourceName, patternType }, acls: [] };
      byPattern.set(key, found);
    }
    found.acls.push({ principal, host, operation, permissionType });
  }
  return {
    errorCode: 0,
    errorMessage: null,
    resources: Array.from(byPattern.values(), ({ pattern, acls }) => ({ ...pattern, acls })),
  };
});

function filterOf(request: Request): AclFilter {
  const { resourceTypeFilter: resourceType, patternTypeFilter: patternType } = request;
  const { operation, permissionType } = request;
  if ([resourceType, patternType, operation, permissionType].includes(0)) {
    throw new KafkaError('INVALID_REQUEST', 'a filter has an UNKNOWN element');
  }
  return {
    ...{ resourceType, patternType, operation, permissionType },
    resourceName: request.resourceNameFilter,
    principal: request.principalFilter,
    host: request.hostFilter,
  };
}
