/** Timers take no longer pause, in ms; they would end at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** Resolves after some time, in ms; rejects with the signal's reason as soon as that is given. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, signal.aborted ? 0 : ms);
    signal.addEventListener("abort", end);
  });
}
