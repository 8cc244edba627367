// Who may do what, as Kafka's StandardAuthorizer decides it: super users may do everything; then an
// ACL that denies goes before one that allows; what no ACL allows is denied, but for
// `allow.everyone.if.no.acl.found` on a resource that no ACL is about.
// Whoever has a role has the ACLs of that role, denials too (roles.ts).
//
// Invariant: every question is answered from the ACLs of the moment. No decision is kept.

import type { AclBinding } from './acl-binding.ts';
import { AclOperation, AclPattern, AclPermission, everyUser, wildcard } from './acl-codes.ts';
import { AclIndex, type PatternAcls } from './acl-index.ts';
import { RoleGrants } from './roles.ts';

/** Who asks, and from where. */
export interface Requester {
  /** As `principalText` has it. */
  readonly principal: string;
  /** As `aclHost` has it. */
  readonly host: string;
}

export interface AuthorizerOptions {
  /** super.users: principals as `principalText` has them. */
  readonly superUsers: ReadonlySet<string>;
  /** allow.everyone.if.no.acl.found. */
  readonly allowEveryoneIfNoAclFound: boolean;
}

export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #index = new AclIndex();
  readonly #grants = new RoleGrants();
  #version = 0;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** Another number after each change of the ACLs. */
  get version(): number {
    return this.#version;
  }

  addAcl(acl: AclBinding): void {
    this.#version++;
    this.#index.add(acl);
    this.#grants.add(acl);
  }

  /** `acl` is the very object that was added. */
  removeAcl(acl: AclBinding): void {
    this.#version++;
    this.#index.remove(acl);
    this.#grants.remove(acl);
  }

  /** Whether the requester may do the operation on the resource of the type with the name. */
  authorize(requester: Requester, operation: number, type: number, name: string): boolean {
    const { principal, host } = requester;
    if (this.#options.superUsers.has(principal)) return true;
    let isDenied = false;
    let isAllowed = false;
    let hasAcls = false;
    const judge = (acls: readonly AclBinding[] | undefined): void => {
      for (const acl of acls ?? []) {
        if (acl.host !== wildcard && acl.host !== host) continue;
        if (acl.permissionType === AclPermission.ALLOW) {
          isAllowed ||= allows(acl.operation, operation);
        } else if (acl.operation === operation || acl.operation === AclOperation.ALL) {
          isDenied = true;
        }
      }
    };
    const roles = this.#rolesOf(requester);
    this.#index.seeCovering(type, name, (acls: PatternAcls) => {
      hasAcls = true;
      judge(acls.get(principal));
      if (principal !== everyUser) judge(acls.get(everyUser));
      for (const role of roles) judge(acls.get(role));
      return isDenied;
    });
    if (isDenied) return false;
    return isAllowed || (!hasAcls && this.#options.allowEveryoneIfNoAclFound);
  }

  /**
   * Whether there is a resource of the type, existing or not, on which the requester may do the
   * operation (KIP-679).
   */
  authorizeByResourceType(requester: Requester, operation: number, type: number): boolean {
    // Some name: super users need no ACL, and nobody does where no ACL is found.
    if (this.authorize(requester, operation, type, 'hardcode')) return true;
    const [allowed, denied] = [namesByPattern(), namesByPattern()];
    for (const acl of this.#ofRequester(requester, operation, type)) {
      const isDeny = acl.permissionType === AclPermission.DENY;
      if (isDeny && isOfAll(acl)) return false;
      (isDeny ? denied : allowed)[keyOf(acl)].add(acl.resourceName);
    }
    if (allowed.literal.has(wildcard)) return true;
    const isFree = (name: string): boolean => !hasPrefixIn(name, denied.prefixed);
    for (const name of allowed.prefixed) if (isFree(name)) return true;
    for (const name of allowed.literal) if (!denied.literal.has(name) && isFree(name)) return true;
    return false;
  }

  /** As principals; what everybody has is everyone's. */
  #rolesOf({ principal, host }: Requester): readonly string[] {
    if (this.#grants.isEmpty) return noRoles;
    return [...this.#grants.of(principal, host), ...this.#grants.of(everyUser, host)];
  }

  *#ofRequester(requester: Requester, operation: number, type: number): Iterable<AclBinding> {
    const { principal, host } = requester;
    for (const each of new Set([principal, everyUser, ...this.#rolesOf(requester)])) {
      for (const acl of this.#index.ofPrincipal(type, each)) {
        if (acl.host !== host && acl.host !== wildcard) continue;
        if (acl.operation === operation || acl.operation === AclOperation.ALL) yield acl;
      }
    }
  }
}

const noRoles: readonly string[] = [];

/** Whether leave to do `granted` is leave to do `asked`. Denials imply nothing. */
function allows(granted: number, asked: number): boolean {
  if (granted === asked || granted === AclOperation.ALL) return true;
  if (asked === AclOperation.DESCRIBE) return implyDescribe.has(granted);
  return asked === AclOperation.DESCRIBE_CONFIGS && granted === AclOperation.ALTER_CONFIGS;
}

const implyDescribe: ReadonlySet<number> = new Set([
  AclOperation.READ,
  AclOperation.WRITE,
  AclOperation.DELETE,
  AclOperation.ALTER,
]);

function isOfAll({ patternType, resourceName }: AclBinding): boolean {
  return patternType === AclPattern.LITERAL && resourceName === wildcard;
}

function namesByPattern() {
  return { literal: new Set<string>(), prefixed: new Set<string>() };
}

function keyOf({ patternType }: AclBinding): 'literal' | 'prefixed' {
  return patternType === AclPattern.PREFIXED ? 'prefixed' : 'literal';
}

function hasPrefixIn(name: string, prefixes: ReadonlySet<string>): boolean {
  if (prefixes.size === 0) return false;
  for (let end = 1; end <= name.length; end++) if (prefixes.has(name.slice(0, end))) return true;
  return false;
}

/** `super.users`: principals between semicolons. @throws Error with the text that is none */
export function parseSuperUsers(text: string): ReadonlySet<string> {
  const users = text.split(';').map((each) => each.trim());
  for (const user of users) {
    if (user === '' || user.includes(':')) continue;
    throw new Error(`a principal has the form TYPE:NAME, as User:alice, and "${user}" has not`);
  }
  return new Set(users.filter((user) => user !== ''));
}
