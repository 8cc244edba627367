// Two replicas with random histories of epochs, which lead in turns while answers are lost, late
// and doubled, become equal to the byte below the watermark, and nothing is lost that was below one
// (tests/doubles/replication/two-brokers.ts). Seeded; and that the test would find what it is for.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  type HistoryKind,
  type PlantedBug,
  TwoBrokers,
} from '../../../tests/doubles/replication/two-brokers.ts';
import { Prng } from '../../base/prng.ts';

const SEEDS = Number(process.env.PARTITA_MODEL_SEEDS ?? 8);
const STEPS = 120;
/** Each planted bug must be found within so many seeds. */
const SEEDS_FOR_BUGS = 200;

const kinds: readonly HistoryKind[] = ['plain', 'transactional', 'compacted'];

type Counts = TwoBrokers['counts'];

async function play(seed: number, kind: HistoryKind, bug: PlantedBug = null): Promise<Counts> {
  const prng = new Prng(`following ${kind} ${seed}`);
  return await simulate(
    async (io) => {
      const brokers = new TwoBrokers(io, prng, { kind, bug });
      await brokers.run(STEPS);
      return brokers.counts;
    },
    { seed, faults: { disk: { readMsMean: 0.2, syncMsMean: 1 } } },
  ).catch((error: Error) => {
    throw new Error(`seed "following ${kind} ${seed}": ${error.stack}`, { cause: error });
  });
}

test(`two logs become one, whatever becomes of answers (${SEEDS} seeds of each kind)`, async () => {
  const totals: Record<string, number> = {};
  for (const kind of kinds) {
    for (let seed = 0; seed < SEEDS; seed++) {
      for (const [name, count] of Object.entries(await play(seed, kind))) {
        totals[name] = (totals[name] ?? 0) + count;
      }
    }
  }
  for (const [name, count] of Object.entries(totals)) assert.ok(count > 0, `${name}: none`);
  process.stdout.write(`${JSON.stringify(totals)}\n`);
});

describe('it finds that', () => {
  const bugs: readonly NonNullable<PlantedBug>[] = [
    'a new follower is cut at its watermark',
    'a diverging log is cut at its watermark',
    'the watermark is taken before the log is cut',
    'answers of an older epoch are taken',
  ];
  for (const bug of bugs) {
    test(bug, async (context) => {
      for (let seed = 0; seed < SEEDS_FOR_BUGS; seed++) {
        const found = await play(seed, kinds[seed % 3] as HistoryKind, bug).catch(
          (error: Error) => error,
        );
        if (!(found instanceof Error)) continue;
        assert.ok(found.cause instanceof assert.AssertionError, found);
        context.diagnostic(`seed ${seed}: ${found.message.split('\n')[0]}`);
        return;
      }
      assert.fail(`${bug}: not found within ${SEEDS_FOR_BUGS} seeds`);
    });
  }
});
