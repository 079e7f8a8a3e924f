import { TimeSlice } from "./time_slice.ts";

/**
 * What an action makes of each item, in the items' order, with so many actions under way at a time: a pool of workers.
 * Rejects with the first failure; what is under way then ends by itself.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  action: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const slice = new TimeSlice();
  let next = 0;
  let failed = false;
  const work = async () => {
    while (next < items.length && !failed) {
      const i = next++;
      try {
        // Where all is in memory the actions wait for nothing.
        await slice.pause();
        results[i] = await action(items[i]);
      } catch (reason) {
        failed = true;
        throw reason;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  return results;
}
