// One process in a world of its own, for unit tests that need an Io but no network of hosts.

import type { Io } from '../src/io/io.ts';
import type { SimProcess } from './sim-process.ts';
import { World, type WorldOptions } from './world.ts';

/**
 * Runs the callback to its end in virtual time: a sleep of an hour takes no time. Rejects with
 * what it throws, and if it waits for something that never happens.
 */
export async function simulate<T>(
  callback: (io: Io, process: SimProcess) => Promise<T> | T,
  options: WorldOptions = {},
): Promise<T> {
  const world = new World(options);
  let outcome: { value: T } | null = null;
  const process = world.startProcess('host', async (io, self) => {
    outcome = { value: await callback(io, self) };
  });
  await world.run(() => outcome !== null);
  process.kill();
  return (outcome as unknown as { value: T }).value;
}
