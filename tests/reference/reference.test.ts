// What the reader of declarations makes of a source, and what the page refuses.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { clientRules } from '../../src/client/client-options.ts';
import { consumerRules } from '../../src/client/consumer/consumer-options.ts';
import { producerRules } from '../../src/client/producer/producer-options.ts';
import { saslKeys, sslKeys } from '../../src/client/security-options.ts';
import { projectRoot } from '../root.ts';
import { readDeclarations } from './declarations.ts';
import { documentReference } from './index.ts';
import { type PublicName, readPublicNames } from './public-names.ts';

/** What a source declares, as if all of it was public. */
function publicNames(source: string): Map<string, PublicName> {
  const beside = readDeclarations(source);
  return new Map([...beside].map(([name, each]) => [name, { ...each, beside }]));
}

const source = `
/** Reads records. */
export class Consumer<T = never>
  implements Iterable<T>
{
  readonly #io: Io;

  static {
    branded(Consumer, 'Consumer');
  }
  /**
   * How many: { none } at first.
   * @throws RangeError for less
   */
  readonly count: number = { a: 1 }.a;

  /** Opens. */
  open(one: T): void;
  open(one: T, two: { readonly three?: () => void }): void;
  open(one: T, two = { three: () => {} }): void {
    if (one < two) return;
  }

  // Not a text.
  async close(
    options: CallOptions & {
      /** Inner. */
      readonly timeoutMs?: number;
    } = {},
  ): Promise<{ left: number }> {
    return { left: 0 };
  }

  get size(): number {
    return 1;
  }

  #hidden(): void {}
}
`;

describe('the reader of declarations', () => {
  test('has the public members of a class with signatures and texts, and no bodies', () => {
    const found = readDeclarations(source).get('Consumer');
    assert.equal(found?.text, 'Reads records.');
    assert.deepEqual(
      found?.members.map(({ name, signature, type, text }) => [name, signature, type, text]),
      [
        [
          'count',
          'readonly count: number',
          'number',
          'How many: { none } at first.\n\nThrows RangeError for less.',
        ],
        ['open', 'open(one: T): void', '', 'Opens.'],
        ['open', 'open(one: T, two: { readonly three?: () => void }): void', '', 'Opens.'],
        [
          'close',
          [
            'close(',
            '  options: CallOptions & {',
            '    /** Inner. */',
            '    readonly timeoutMs?: number;',
            '  } = {},',
            '): Promise<{ left: number }>',
          ].join('\n'),
          '',
          null,
        ],
        ['size', 'get size(): number', 'number', null],
      ],
    );
  });

  test('has overloads of a function without its implementation', () => {
    const text = `
/** One. */
export function one(a: { b: 1 }): { c: 1 };
export function one(): void;
export function one(a?: unknown): unknown {
  return a;
}
`;
    const found = readDeclarations(text).get('one');
    assert.deepEqual(found?.signatures, [
      'function one(a: { b: 1 }): { c: 1 }',
      'function one(): void',
    ]);
  });
});

describe('the reference of the client library', () => {
  test('is refused while an option, a method, a class or a function has no text', () => {
    const cases: readonly (readonly [source: string, name: string])[] = [
      ['/** Of it. */\nexport interface OneOptions {\n  readonly a?: 1;\n}', 'OneOptions.a'],
      ['export interface OneOptions {\n  /** A. */\n  readonly a?: 1;\n}', 'OneOptions'],
      ['/** Of it. */\nexport class Consumer {\n  poll(): void {}\n}', 'Consumer.poll'],
      ['export class Consumer {}', 'Consumer'],
      ['export function one(): void {}', 'one'],
      ['export const one = (): number => 1;', 'one'],
      ['export interface Listener {\n  onNews(): void;\n}', 'Listener.onNews'],
    ];
    for (const [text, name] of cases) {
      assert.throws(
        () => documentReference(publicNames(text)),
        { message: `${name} has no TSDoc text: docs/client-reference.md needs one` },
        text,
      );
    }
  });

  test('is refused for a class that has no place on the page', () => {
    const names = publicNames('/** New. */\nexport class Novelty {}');
    assert.throws(() => documentReference(names), { message: /has no place for Novelty/ });
  });

  test('has every name of a property of Java that a client takes', () => {
    const names = readPublicNames(join(projectRoot, 'src/client/index.ts'));
    const page = documentReference(names);
    const rules = { ...clientRules, ...producerRules, ...consumerRules };
    for (const key of [...Object.keys(rules), ...sslKeys, ...saslKeys.keys()]) {
      assert.ok(page.includes(`\`${key}\``), `${key} is not on the page`);
    }
  });
});
