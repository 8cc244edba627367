// How long a broker that stops waits for what it has under way: until it ends, unless a disk does
// not answer, of which nobody knows whether it ever will.

import type { Clock, Timer } from '../io/index.ts';
import type { LogDirectory } from '../storage/index.ts';

/** What is under way on the disks that do answer has so much time beside one that does not. */
const silentMsMax = 5_000;
const lookMs = 500;

export function endedUnlessSilent(clock: Clock, directories: readonly LogDirectory[]) {
  const isSilent = (): boolean => directories.some(({ health }) => health.isSilent);
  return (work: Promise<unknown>): Promise<void> =>
    new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      const look = (): void => {
        timer = isSilent() ? clock.after(silentMsMax, resolve) : clock.after(lookMs, look);
      };
      look();
      work.then(() => resolve(), reject).finally(() => timer?.cancel());
    });
}
