// DeleteAcls: every ACL that a filter finds goes, filter by filter.

import { deleteAcls, type RequestOf } from '../../protocol/index.ts';
import type { AclFilter } from '../../security/acl/index.ts';
import { AclOperation, assertAuthorizer, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

type Filter = RequestOf<typeof deleteAcls>['filters'][number];

export const deleteAclsHandler = defineHandler(deleteAcls, async (request, context) => {
  assertMayOnCluster(context, AclOperation.ALTER);
  assertAuthorizer(context.broker.authorizer, 'No Authorizer is configured.');
  const filters = request.filters.map(filterOf);
  const results = await context.broker.controllerFor(context.client).deleteAcls({ filters });
  return {
    filterResults: results.map(({ error, acls }) => ({
      errorCode: error?.code ?? 0,
      errorMessage: error?.message ?? null,
      matchingAcls: acls.map((acl) => ({ errorCode: 0, errorMessage: null, ...acl })),
    })),
  };
});

function filterOf(filter: Filter): AclFilter {
  const { resourceTypeFilter, resourceNameFilter, patternTypeFilter, principalFilter } = filter;
  return {
    resourceType: resourceTypeFilter,
    resourceName: resourceNameFilter,
    patternType: patternTypeFilter,
    principal: principalFilter,
    host: filter.hostFilter,
    operation: filter.operation,
    permissionType: filter.permissionType,
  };
}
