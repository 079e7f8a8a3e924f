/**
 * What was known at a moment.
 *
 * @module
 */
import type { Message } from "../../entry/web.ts";
import { checkWhole, toDataError } from "./data_error.ts";
import type { AtAnswer, AtRequest, TopicWish } from "./protocol.ts";
import type { Recording } from "./recording.ts";

const MAX_WISHES = 1000;
/** Topics that are looked into at a time. */
const AT_A_TIME = 16;

/** The last message of each topic at or before a moment. What cannot be read is an error in its place. */
export async function answerAt(
  recording: Recording,
  { ns, wishes }: AtRequest,
  signal: AbortSignal,
): Promise<AtAnswer[]> {
  checkWhole(wishes.length, "The number of wishes", 0, MAX_WISHES);
  const answers: AtAnswer[] = [];
  let next = 0;
  const lookNext = async () => {
    while (next < wishes.length) {
      const wish = next++;
      answers[wish] = await answerWish(recording, wish, wishes[wish], ns, signal);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, wishes.length) }, lookNext));
  return answers;
}

async function answerWish(
  recording: Recording,
  wish: number,
  { topic, fields, as = "values" }: TopicWish,
  ns: bigint,
  signal: AbortSignal,
): Promise<AtAnswer> {
  try {
    const handler = await recording.topic(topic);
    const message = await handler.latestAt(ns, { ...(fields && { fields }), signal });
    return message ? await answerOf(recording, wish, as, message, signal) : { wish, topic };
  } catch (reason) {
    signal.throwIfAborted();
    return { wish, topic, content: { kind: "error", error: toDataError(reason) } };
  }
}

/** A message as it was wished for. */
export async function answerOf(
  recording: Recording,
  wish: number,
  as: NonNullable<TopicWish["as"]>,
  message: Message,
  signal: AbortSignal,
): Promise<AtAnswer> {
  const { timestampNs, topic } = message;
  const head = { wish, topic, timestampNs, seconds: recording.seconds(timestampNs) };
  try {
    if (as === "picture") {
      const { framePictureOf } = await import("./video.ts");
      return { ...head, content: await framePictureOf(recording, message, signal) };
    }
    if (as === "cloud") {
      const { cloudOf } = await import("./cloud.ts");
      return { ...head, content: cloudOf(message.data) };
    }
    return { ...head, content: { kind: "values", data: message.toObject().data } };
  } catch (reason) {
    signal.throwIfAborted();
    return { ...head, content: { kind: "error", error: toDataError(reason) } };
  }
}
