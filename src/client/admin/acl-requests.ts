// ACLs: who may do what (KIP-140, KIP-290). Brokers without an authorizer answer SECURITY_DISABLED.

import {
  createAcls,
  deleteAcls,
  describeAcls,
  type KafkaError,
  type RequestInput,
} from '../../protocol/index.ts';
import type { AclBinding, AclFilter } from '../../security/acl/index.ts';
import type { CallOptions, Client } from '../client.ts';
import { errorOf } from './admin-results.ts';

export interface AclCreation {
  readonly acl: AclBinding;
  /** null: it is there, whether it was before or not. */
  readonly error: KafkaError | null;
}

export interface AclDeletion {
  readonly filter: AclFilter;
  readonly error: KafkaError | null;
  /** What the filter found and is gone. */
  readonly acls: readonly AclBinding[];
}

/** Requests about ACLs, which say who may do what to which resource; it is `admin.acls`. */
export class AclRequests {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Creates the ACLs; one that is there already is a success. Each has a result of its own.
   * @throws KafkaError when no broker could be asked
   */
  create(acls: readonly AclBinding[], options: CallOptions = {}): Promise<AclCreation[]> {
    const creations = acls.map(({ patternType, ...acl }) => {
      return { ...acl, resourcePatternType: patternType };
    });
    return this.#client.retry(async ({ timeoutMs }) => {
      const { results } = await this.#client.requestToAny(createAcls, { creations }, { timeoutMs });
      return acls.map((acl, index) => {
        const { errorCode = 0, errorMessage = null } = results[index] ?? {};
        return { acl, error: errorOf(errorCode, errorMessage) };
      });
    }, options);
  }

  /**
   * Deletes every ACL that one of the filters finds. Each filter has a result of its own.
   * @throws KafkaError when no broker could be asked
   */
  delete(filters: readonly AclFilter[], options: CallOptions = {}): Promise<AclDeletion[]> {
    const body = {
      filters: filters.map((filter) => {
        const { operation, permissionType } = filter;
        return { ...namesOf(filter), operation, permissionType };
      }),
    };
    return this.#client.retry(async ({ timeoutMs }) => {
      const answer = await this.#client.requestToAny(deleteAcls, body, { timeoutMs });
      return filters.map((filter, index) => {
        const {
          errorCode = 0,
          errorMessage = null,
          matchingAcls = [],
        } = answer.filterResults[index] ?? {};
        const acls = matchingAcls.map(({ errorCode: _, errorMessage: __, ...acl }) => acl);
        return { filter, error: errorOf(errorCode, errorMessage), acls };
      });
    }, options);
  }

  /**
   * The ACLs that the filter finds.
   * @throws KafkaError CLUSTER_AUTHORIZATION_FAILED, SECURITY_DISABLED, …
   */
  describe(filter: AclFilter, options: CallOptions = {}): Promise<AclBinding[]> {
    const { operation, permissionType } = filter;
    const body = { ...namesOf(filter), operation, permissionType };
    return this.#client.retry(async ({ timeoutMs }) => {
      const answer = await this.#client.requestToAny(describeAcls, body, { timeoutMs });
      const error = errorOf(answer.errorCode, answer.errorMessage);
      if (error !== null) throw error;
      return answer.resources.flatMap(({ acls, ...pattern }) =>
        acls.map((acl) => ({ ...pattern, ...acl })),
      );
    }, options);
  }
}

type Names = Omit<RequestInput<typeof describeAcls>, 'operation' | 'permissionType'>;

function namesOf(filter: AclFilter): Names {
  return {
    resourceTypeFilter: filter.resourceType,
    resourceNameFilter: filter.resourceName,
    patternTypeFilter: filter.patternType,
    principalFilter: filter.principal,
    hostFilter: filter.host,
  };
}
