// Apache Kafka's authorizer as a process that is asked line by line, and ours, asked in the same
// words (see KafkaAuthorizer.java).

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Authorizer, parseSuperUsers } from '../../../src/security/acl/authorizer.ts';
import { type AclBinding, aclKey, matchesAcl } from '../../../src/security/acl/index.ts';
import { projectRoot } from '../../root.ts';
import { kafkaProgram } from '../toolchain.ts';

const source = join(projectRoot, 'tests/interop/access-rules/KafkaAuthorizer.java');

export class KafkaAuthorizer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    assert.ok(child.stdout !== null);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(): Promise<KafkaAuthorizer> {
    const [command, ...args] = await kafkaProgram(source);
    // Of a package of Kafka's, whose classes nobody else may call.
    const named = [...args.slice(0, -1), 'org.apache.kafka.controller.KafkaAuthorizer'];
    return new KafkaAuthorizer(spawn(command, named, { stdio: ['pipe', 'pipe', 'ignore'] }));
  }

  close(): void {
    this.#child.stdin?.end();
  }

  async answers(lines: readonly string[]): Promise<string[]> {
    this.#child.stdin?.write(`${lines.join('\n')}\n`);
    const answers: string[] = [];
    for (const _ of lines) {
      const { value } = await this.#lines.next();
      answers.push(String(value));
    }
    return answers;
  }
}

export class OwnAuthorizer {
  #authorizer = new Authorizer({ superUsers: new Set(), allowEveryoneIfNoAclFound: false });
  #acls: AclBinding[] = [];

  answer(line: string): string {
    const [verb, ...words] = line.split('\t');
    const word = (index: number): string => words[index] as string;
    const result = (isAllowed: boolean): string => (isAllowed ? 'ALLOWED' : 'DENIED');
    switch (verb) {
      case 'begin':
        this.#acls = [];
        this.#authorizer = new Authorizer({
          superUsers: parseSuperUsers(word(1)),
          allowEveryoneIfNoAclFound: word(0) === 'true',
        });
        return 'begun';
      case 'add': {
        const acl = bindingOf(words);
        this.#acls.push(acl);
        this.#authorizer.addAcl(acl);
        return 'added';
      }
      case 'ask': {
        const requester = { principal: word(0), host: word(1) };
        const [operation, type] = [Number(word(2)), Number(word(3))];
        return result(this.#authorizer.authorize(requester, operation, type, word(4)));
      }
      case 'any': {
        const requester = { principal: word(0), host: word(1) };
        const [operation, type] = [Number(word(2)), Number(word(3))];
        return result(this.#authorizer.authorizeByResourceType(requester, operation, type));
      }
      case 'find': {
        const { resourceName, principal, host, ...numbers } = bindingOf(words);
        const orNull = (text: string): string | null => (text === '-' ? null : text);
        const names = { resourceName: orNull(resourceName), principal: orNull(principal) };
        const filter = { ...numbers, ...names, host: orNull(host) };
        const found = this.#acls.filter((acl) => matchesAcl(filter, acl));
        return String(new Set(found.map(aclKey)).size);
      }
      default:
        throw new Error(`unknown word ${verb}`);
    }
  }
}

function bindingOf(words: readonly string[]): AclBinding {
  const [type, resourceName, pattern, principal, host, operation, permission] = words as [
    ...[string, string, string, string, string, string, string],
  ];
  return {
    ...{ resourceType: Number(type), resourceName, patternType: Number(pattern) },
    ...{ principal, host, operation: Number(operation), permissionType: Number(permission) },
  };
}
