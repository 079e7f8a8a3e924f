import type { SmaltiError } from "../error.ts";

/** Whether a writer takes messages still. */
export type WriterStatus = "open" | "finalizing" | "finalized" | "aborted";

/** Where a session stands, as its writer and its topics know it. */
export interface SessionLife {
  status: WriterStatus;
  /** What a flush that nobody called failed with, to be told to the next call; or to every call, where all is lost. */
  failure: SmaltiError | undefined;
  /** Whether another may write the sequence now. */
  isLost: boolean;
  /** Set once a signal has ended the session: rejects with its reason when the session is finalized. */
  stopped: Promise<never> | undefined;
}

/** What is said of a session that takes nothing more, and how that mostly comes about. */
export function notOpen({ status }: SessionLife): string {
  return `it is ${status}, wanted open` +
    (status === "aborted" ? "" : "; is an await missing before what pushes or finalizes?");
}

/** What an automatic flush failed with: it is told once, and what can go on goes on. Nothing can where the sequence was lost. */
export function takeFailure(life: SessionLife): SmaltiError | undefined {
  const { failure } = life;
  if (!life.isLost) life.failure = undefined;
  return failure;
}
