/**
 * Messages of a topic as a table or a log shows them.
 *
 * @module
 */
import { type Message, SmaltiError } from "../../entry/web.ts";
import { checkWhole, isDamage } from "./data_error.ts";
import type { Program } from "./expression/program.ts";
import { MIN_INT64 } from "./int64.ts";
import { cut, pickedData, valueAt } from "./message_data.ts";
import type { Row, RowsAnswer, RowsRequest } from "./protocol.ts";
import type { Recording } from "./recording.ts";
import { salvaging } from "./topic_rows.ts";

/** Messages that a filter looks at in one request. */
const MAX_LOOKED = 200_000;

/** Messages from a moment on, or back from one, in ascending order. */
export async function answerRows(
  recording: Recording,
  request: RowsRequest,
  signal: AbortSignal,
): Promise<RowsAnswer> {
  const { topic, fromNs, direction = "forward", skip = 0, fields } = request;
  const count = checkWhole(request.count, "count", 1, 10_000);
  checkWhole(skip, "skip", 0, 1_000_000);
  const isBack = direction === "backward";
  await recording.prepare([request.where ?? ""]);
  const matches = filterOf(recording, request);
  const handler = await recording.topic(topic);
  const window = isBack ? { endNs: fromNs, reverse: true } : { startNs: fromNs };
  if (isBack && fromNs <= MIN_INT64) return { rows: [], isEnd: true };
  const read = async (topic: typeof handler): Promise<RowsAnswer> => {
    const rows: Row[] = [];
    let [left, looked] = [skip, 0];
    for await (const block of topic.getDataStreamer({ ...window, signal }).batches()) {
      for (const message of block) {
        if (left > 0) {
          left--;
          continue;
        }
        if (rows.length === count) return { rows: ordered(rows, isBack), isEnd: false };
        if (matches && ++looked > MAX_LOOKED) {
          const { timestampNs } = message;
          return {
            rows: ordered(rows, isBack),
            isEnd: false,
            resumeNs: isBack ? timestampNs + 1n : timestampNs,
          };
        }
        const row = matches && !matches(message) ? undefined : rowOf(recording, message, fields);
        if (row) rows.push(row);
      }
    }
    return { rows: ordered(rows, isBack), isEnd: true };
  };
  try {
    return await read(handler);
  } catch (reason) {
    if (!isDamage(reason)) throw reason;
    return await read(salvaging(recording, handler, []));
  }
}

function ordered(rows: Row[], isBack: boolean): Row[] {
  return isBack ? rows.reverse() : rows;
}

function rowOf(recording: Recording, message: Message, fields: readonly string[] | undefined): Row {
  const { timestampNs } = message;
  const { data } = message.toObject();
  return {
    timestampNs,
    seconds: recording.seconds(timestampNs),
    data: cut(fields ? pickedData(data, fields) : data) as Row["data"],
  };
}

/** Whether a message is wanted; undefined where all are. */
function filterOf(
  recording: Recording,
  { topic, where, contains }: RowsRequest,
): ((message: Message) => boolean) | undefined {
  const tests: ((message: Message) => boolean)[] = [];
  if (where !== undefined && where.trim() !== "") {
    const { program } = recording.compiler.compile(where);
    const stray = program.fields.find((field) => field.topic !== topic);
    if (stray || program.hasState) {
      const what = stray ? `it names topic "${stray.topic}"` : "it looks at the rows before";
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `Cannot filter rows by ${where}: ${what}, wanted fields of "${topic}" alone`,
      );
    }
    tests.push((message) => isTrue(recording, program, message));
  }
  if (contains !== undefined && contains !== "") {
    const text = contains.toLowerCase();
    tests.push((message) => holdsText(message.toObject().data, text));
  }
  return tests.length === 0 ? undefined : (message) => tests.every((test) => test(message));
}

function isTrue(recording: Recording, program: Program, message: Message): boolean {
  const { data } = message;
  const columns = program.fields.map(({ path, equals }) => {
    const value = valueAt(data, path);
    if (value === undefined) return Float64Array.of(NaN);
    return Float64Array.of(equals === undefined ? Number(value) : Number(value === equals));
  });
  const [value] = program.run({ columns, seconds: Float64Array.of(recording.seconds(message.timestampNs)) });
  return value !== 0 && !Number.isNaN(value);
}

function holdsText(value: unknown, text: string): boolean {
  if (typeof value === "string") return value.toLowerCase().includes(text);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  return Object.values(value).some((part) => holdsText(part, text));
}
