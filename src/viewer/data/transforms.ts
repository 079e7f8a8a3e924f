/**
 * Transforms of a recording around a window of time.
 *
 * @module
 */
import type { TopicHandler } from "../../entry/web.ts";
import { checkWhole, checkWindow, isDamage, toDataError } from "./data_error.ts";
import { MAX_INT64, MIN_INT64 } from "./int64.ts";
import type { DataError, TransformsAnswer, TransformsRequest } from "./protocol.ts";
import type { Recording } from "./recording.ts";
import { isStaticTopic, transformsOf } from "./spatial.ts";
import { salvaging } from "./topic_rows.ts";

/** Messages of a topic that are read at once, whatever the window. */
const WHOLE_ROWS = 20_000;
/** How long a frame that is not told anew is looked for before the window: as long as tf keeps transforms. */
const BEFORE_NS = 10_000_000_000n;
/** How far beyond it, for what is between two transforms. */
const AFTER_NS = 1_000_000_000n;
const MAX_TRANSFORMS = 200_000;
const MAX_TOPICS = 100;
/** Stamps that are further from the recording's times are of another clock, such as a simulator's. */
const SAME_CLOCK_NS = 10_000_000_000n;

/** All of short topics and of those that hold for ever; of the others those that the window needs. */
export async function answerTransforms(
  recording: Recording,
  request: TransformsRequest,
  signal: AbortSignal,
): Promise<TransformsAnswer> {
  const { fromNs, toNs } = checkWindow(request);
  checkWhole(request.topics.length, "The number of topics", 0, MAX_TOPICS);
  const found = new Found();
  const errors: DataError[] = [];
  let isAll = true;
  for (const topic of request.topics) {
    try {
      const handler = await recording.topic(topic);
      const isStatic = isStaticTopic(topic);
      const isShort = handler.rowCount <= WHOLE_ROWS && !recording.info.isLive;
      if (isStatic || isShort) {
        await read(
          recording,
          handler,
          [MIN_INT64, MAX_INT64],
          isStatic,
          found,
          errors,
          signal,
        );
        continue;
      }
      isAll = false;
      const first = fromNs < MIN_INT64 + BEFORE_NS ? MIN_INT64 : fromNs - BEFORE_NS;
      const end = toNs > MAX_INT64 - AFTER_NS ? MAX_INT64 : toNs + AFTER_NS;
      // What was told last, however long ago.
      const before = first > MIN_INT64 ? await handler.latestAt(first - 1n, { signal }) : undefined;
      if (before) {
        found.add(before.toObject().data, before.timestampNs, isStatic);
      }
      await read(
        recording,
        handler,
        [first, end],
        isStatic,
        found,
        errors,
        signal,
      );
    } catch (reason) {
      signal.throwIfAborted();
      errors.push({ topic, ...toDataError(reason) });
    }
  }
  return {
    ...found.answer(),
    ...(!isAll && { window: { fromNs, toNs } }),
    errors,
  };
}

async function read(
  recording: Recording,
  handler: TopicHandler,
  [startNs, endNs]: readonly [bigint, bigint],
  isStatic: boolean,
  found: Found,
  errors: DataError[],
  signal: AbortSignal,
): Promise<void> {
  const readAll = async (topic: TopicHandler) => {
    for await (
      const block of topic.getDataStreamer({ startNs, endNs, signal }).batches()
    ) {
      for (const message of block) {
        if (
          !found.add(message.toObject().data, message.timestampNs, isStatic)
        ) return;
      }
    }
  };
  try {
    await readAll(handler);
  } catch (reason) {
    if (!isDamage(reason)) throw reason;
    errors.push({ topic: handler.name, ...toDataError(reason) });
    // Those before the damage come twice, which changes nothing.
    await readAll(salvaging(recording, handler, []));
  }
}

/** Transforms so far. */
class Found {
  readonly #frames = new Map<string, number>();
  readonly #parents: number[] = [];
  readonly #children: number[] = [];
  readonly #ns: bigint[] = [];
  readonly #isStatic: number[] = [];
  readonly #numbers: number[] = [];
  #offsetNs: bigint | undefined;
  #unnamed = 0;
  #isCut = false;

  /** Adds those of a message; false where there are too many. */
  add(
    data: { readonly [field: string]: unknown },
    timestampNs: bigint,
    isStatic: boolean,
  ): boolean {
    for (const { frame, child, stampNs, numbers } of transformsOf(data)) {
      if (frame === undefined || child === undefined) {
        this.#unnamed++;
        continue;
      }
      if (this.#ns.length === MAX_TRANSFORMS) {
        this.#isCut = true;
        return false;
      }
      // Static ones are recorded long after they were stamped.
      if (!isStatic && stampNs !== undefined) {
        this.#offsetNs ??= timestampNs - stampNs;
      }
      this.#parents.push(this.#place(frame));
      this.#children.push(this.#place(child));
      this.#ns.push(BigInt.asIntN(64, stampNs ?? timestampNs));
      this.#isStatic.push(Number(isStatic));
      this.#numbers.push(...numbers);
    }
    return true;
  }

  answer(): Omit<TransformsAnswer, "window" | "errors"> {
    const offset = this.#offsetNs ?? 0n;
    return {
      frames: [...this.#frames.keys()],
      parents: Uint32Array.from(this.#parents),
      children: Uint32Array.from(this.#children),
      ns: BigInt64Array.from(this.#ns),
      isStatic: Uint8Array.from(this.#isStatic),
      numbers: Float64Array.from(this.#numbers),
      clockOffsetNs: offset > SAME_CLOCK_NS || offset < -SAME_CLOCK_NS ? offset : 0n,
      unnamed: this.#unnamed,
      isCut: this.#isCut,
    };
  }

  #place(frame: string): number {
    let place = this.#frames.get(frame);
    if (place === undefined) this.#frames.set(frame, place = this.#frames.size);
    return place;
  }
}
