// Work on the logs of a directory, several at a time.

/** Enough to keep a disk's queue filled. */
const laneCountDefault = 16;

/** Rejects with the first failure; work that has begun then goes on. */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  laneCount = laneCountDefault,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(laneCount, items.length) }, lane));
}
