// DescribeAcls: those that the filter finds, by the resource that they are about.
//
// There may be very many: they are found and encoded in slices, of one request of a connection at a
// time. All are of the image at which the request came.

import {
  describeAcls,
  EncodedElements,
  encodeElements,
  KafkaError,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import { type AclBinding, type AclFilter, matchesAcl } from '../../security/acl/index.ts';
import { AclOperation, assertAuthorizer, assertMayOnCluster } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { Slices } from '../slices.ts';

type Request = RequestOf<typeof describeAcls>;
type Resources = ResponseInput<typeof describeAcls>['resources'];
type Path = readonly ('resources' | 'acls')[];

interface Pattern extends Pick<AclBinding, 'resourceType' | 'resourceName' | 'patternType'> {
  readonly acls: AclBinding[];
}

/** Found or encoded before the time is looked at: much less than a slice. */
const stepsMax = 256;

export const describeAclsHandler = defineHandler(describeAcls, async (request, context) => {
  assertMayOnCluster(context, AclOperation.DESCRIBE);
  assertAuthorizer(context.broker.authorizer, 'No Authorizer is configured on the broker');
  const filter = filterOf(request);
  const { connection } = context.client;
  connection.mute();
  try {
    const slices = new Slices(context.broker.io.clock);
    const resources = await encoded(await found(filter, context, slices), context, slices);
    return { errorCode: 0, errorMessage: null, resources };
  } finally {
    connection.unmute();
  }
});

async function found(
  filter: AclFilter,
  { image }: RequestContext,
  slices: Slices,
): Promise<Pattern[]> {
  const byPattern = new Map<string, Pattern>();
  let steps = 0;
  for (const acl of image.acls.values()) {
    if (++steps % stepsMax === 0 && slices.isOver) await slices.rest();
    if (!matchesAcl(filter, acl)) continue;
    const { resourceType, resourceName, patternType } = acl;
    const key = `${resourceType} ${patternType} ${resourceName}`;
    const pattern = byPattern.get(key);
    if (pattern !== undefined) pattern.acls.push(acl);
    else byPattern.set(key, { resourceType, resourceName, patternType, acls: [acl] });
  }
  return [...byPattern.values()];
}

async function encoded(
  patterns: readonly Pattern[],
  context: RequestContext,
  slices: Slices,
): Promise<Resources> {
  const encode = async <T>(path: Path, all: readonly T[], elementOf: (each: T) => unknown) => {
    const pieces: Buffer[] = [];
    for (let from = 0; from < all.length; from += stepsMax) {
      const elements: unknown[] = [];
      for (const each of all.slice(from, from + stepsMax)) elements.push(await elementOf(each));
      pieces.push(encodeElements(describeAcls, context.apiVersion, path, elements));
      if (slices.isOver) await slices.rest();
    }
    return new EncodedElements(all.length, pieces);
  };
  return await encode(['resources'], patterns, async (pattern) => {
    if (pattern.acls.length <= stepsMax) return pattern;
    return { ...pattern, acls: await encode(['resources', 'acls'], pattern.acls, (acl) => acl) };
  });
}

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
