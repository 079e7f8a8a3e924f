/** Whether it is a page or a worker of one that asks: its requests go through a cache. */
export function isBrowser(): boolean {
  return (globalThis as { location?: unknown }).location !== undefined;
}
