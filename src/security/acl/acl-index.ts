// ACLs by what a decision asks for: resource type, name, principal. A decision looks at the ACLs of
// one principal (and of everybody) on the patterns that cover one resource, and at no others: the
// literal name, `*`, and the prefixes of those lengths that there are.
//
// Invariant: the index holds exactly the ACLs that were added and not removed.

import type { AclBinding } from './acl-binding.ts';
import { AclPattern, wildcard } from './acl-codes.ts';

/** The ACLs on one pattern, by principal; never empty. */
export type PatternAcls = ReadonlyMap<string, readonly AclBinding[]>;

interface OfType {
  readonly literal: Map<string, Map<string, AclBinding[]>>;
  readonly prefixed: Map<string, Map<string, AclBinding[]>>;
  /** How many prefixes have the length. */
  readonly prefixCounts: Map<number, number>;
  /** The lengths of the prefixes, ascending. */
  prefixLengths: readonly number[];
  readonly byPrincipal: Map<string, Set<AclBinding>>;
}

export class AclIndex {
  readonly #byType = new Map<number, OfType>();

  add(acl: AclBinding): void {
    const { resourceType, resourceName: name, principal } = acl;
    let ofType = this.#byType.get(resourceType);
    if (ofType === undefined) {
      ofType = emptyType();
      this.#byType.set(resourceType, ofType);
    }
    const patterns = patternsOf(ofType, acl);
    let onPattern = patterns.get(name);
    if (onPattern === undefined) {
      onPattern = new Map();
      patterns.set(name, onPattern);
      if (acl.patternType === AclPattern.PREFIXED) countPrefix(ofType, name.length, 1);
    }
    const ofPrincipal = onPattern.get(principal);
    if (ofPrincipal === undefined) onPattern.set(principal, [acl]);
    else ofPrincipal.push(acl);
    const all = ofType.byPrincipal.get(principal);
    if (all === undefined) ofType.byPrincipal.set(principal, new Set([acl]));
    else all.add(acl);
  }

  /** `acl` is the very object that was added. */
  remove(acl: AclBinding): void {
    const { resourceType, resourceName: name, principal } = acl;
    const ofType = this.#byType.get(resourceType);
    if (ofType === undefined) return;
    const patterns = patternsOf(ofType, acl);
    const onPattern = patterns.get(name);
    const rest = onPattern?.get(principal)?.filter((each) => each !== acl);
    if (onPattern === undefined || rest === undefined) return;
    if (rest.length > 0) onPattern.set(principal, rest);
    else onPattern.delete(principal);
    if (onPattern.size === 0) {
      patterns.delete(name);
      if (acl.patternType === AclPattern.PREFIXED) countPrefix(ofType, name.length, -1);
    }
    const all = ofType.byPrincipal.get(principal);
    all?.delete(acl);
    if (all?.size === 0) ofType.byPrincipal.delete(principal);
  }

  /** Calls `see` for each pattern that covers the resource, until it returns true. */
  seeCovering(type: number, name: string, see: (acls: PatternAcls) => boolean): void {
    const ofType = this.#byType.get(type);
    if (ofType === undefined) return;
    const named = ofType.literal.get(name);
    if (named !== undefined && see(named)) return;
    const all = name === wildcard ? undefined : ofType.literal.get(wildcard);
    if (all !== undefined && see(all)) return;
    for (const length of ofType.prefixLengths) {
      if (length > name.length) return;
      const prefixed = ofType.prefixed.get(name.slice(0, length));
      if (prefixed !== undefined && see(prefixed)) return;
    }
  }

  /** The principal's ACLs on resources of the type. */
  ofPrincipal(type: number, principal: string): Iterable<AclBinding> {
    return this.#byType.get(type)?.byPrincipal.get(principal) ?? [];
  }
}

function emptyType(): OfType {
  return {
    literal: new Map(),
    prefixed: new Map(),
    prefixCounts: new Map(),
    prefixLengths: [],
    byPrincipal: new Map(),
  };
}

function patternsOf(ofType: OfType, { patternType }: AclBinding) {
  return patternType === AclPattern.PREFIXED ? ofType.prefixed : ofType.literal;
}

function countPrefix(ofType: OfType, length: number, change: 1 | -1): void {
  const count = (ofType.prefixCounts.get(length) ?? 0) + change;
  if (count === 0) ofType.prefixCounts.delete(length);
  else ofType.prefixCounts.set(length, count);
  if (count > 1 || (count === 1 && change === -1)) return;
  ofType.prefixLengths = [...ofType.prefixCounts.keys()].sort((a, b) => a - b);
}
