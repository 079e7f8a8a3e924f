import process from "node:process";

/** Tells how far long work is. */
export interface Progress {
  /** Of `total`; a total that is not known shows nothing. */
  update(done: number, total: number | undefined): void;
  /** Takes the bar away. */
  stop(): void;
}

/** What is used of cli-progress. */
interface CliProgress {
  SingleBar: new (options: Record<string, unknown>) => {
    start(total: number, value: number): void;
    update(value: number): void;
    stop(): void;
  };
}

/** Work that is done sooner needs no bar. */
const DELAY_MS = 500;

/** A bar on stderr for long work, gone when the work is done. On anything but a terminal it does nothing. */
export async function startProgress(label: string): Promise<Progress> {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  // @ts-ignore: it comes without types, and those of DefinitelyTyped are not found from here by every compiler
  const { SingleBar } = (await import("cli-progress")).default as CliProgress;
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${label} [{bar}] {percentage}% | {eta_formatted} left`,
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    // It would listen to signals itself, and leave the process running.
    gracefulExit: false,
  });
  const startMs = performance.now();
  let shown = false;
  return {
    update(done, total) {
      if (shown) return bar.update(done);
      if (total === undefined || total <= 0 || performance.now() - startMs < DELAY_MS) return;
      bar.start(total, done);
      shown = true;
    },
    stop() {
      if (shown) bar.stop();
    },
  };
}
