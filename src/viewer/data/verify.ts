/**
 * Whether a recording is sound: all of it is read.
 *
 * @module
 */
import { toDataError } from "./data_error.ts";
import type { DataError, Progress, VerifyAnswer, VerifyRequest } from "./protocol.ts";
import type { Recording } from "./recording.ts";

/** What is wrong with some topics, or all. */
export async function answerVerify(
  recording: Recording,
  { topics }: VerifyRequest,
  tell: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<VerifyAnswer> {
  const all = recording.info.topics.filter(({ name }) => topics === undefined || topics.includes(name));
  const total = all.reduce((sum, { rows }) => sum + rows, 0);
  const errors: DataError[] = [];
  let done = 0;
  for (const { name, rows } of all) {
    signal.throwIfAborted();
    const before = done;
    try {
      const handler = await recording.topic(name);
      const found = await handler.verify({ signal, onRows: (rows) => tell({ done: before + rows, total }) });
      errors.push(...found.map((error) => toDataError(error)));
    } catch (reason) {
      if (signal.aborted) throw reason;
      errors.push({ topic: name, ...toDataError(reason) });
    }
    tell({ done: done = before + rows, total });
  }
  return { errors };
}
