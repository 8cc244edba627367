// A table of tests, client by mechanism by outcome. Each cell is a test with those three for a
// name, or says why there is none; the last test fails when a cell is neither.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

export interface TableOptions {
  readonly clients: readonly string[];
  readonly mechanisms: readonly string[];
  readonly outcomes: readonly string[];
  /** Cells without a test, by what their names match, and why. */
  readonly without: readonly (readonly [cells: RegExp, why: string])[];
}

export class ClientTable {
  readonly #cells = new Set<string>();

  cell(
    client: string,
    mechanism: string,
    outcome: string,
    run: (t: TestContext) => Promise<void>,
  ): void {
    const name = nameOf(client, mechanism, outcome);
    this.#cells.add(name);
    test(name, run);
  }

  /** Behind all cells. */
  assertWhole({ clients, mechanisms, outcomes, without }: TableOptions): void {
    test('no cell of the table is missing', () => {
      const expected = clients.flatMap((client) =>
        mechanisms.flatMap((mechanism) =>
          outcomes.map((outcome) => nameOf(client, mechanism, outcome)),
        ),
      );
      const excused = (name: string): boolean => without.some(([cells]) => cells.test(name));
      assert.deepEqual(
        [...this.#cells].toSorted(),
        expected.filter((name) => !excused(name)).toSorted(),
      );
      for (const [cells, why] of without) {
        assert.ok(
          expected.some((name) => cells.test(name)),
          `${cells} is no cell (${why})`,
        );
      }
    });
  }
}

function nameOf(client: string, mechanism: string, outcome: string): string {
  return `${client} × ${mechanism} × ${outcome}`;
}
