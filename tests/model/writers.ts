import { fileNameOf } from "../../src/embedded/file_names.ts";
import type { ErrorCode } from "../../src/error.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import type { SessionOptions } from "../../src/write/session_options.ts";
import { end, endCallback, settleCallback } from "./endings.ts";
import type { Recording, Removal, Session } from "./expected.ts";
import { act, SLEEPS_MS, type Work } from "./work.ts";
import type { Actor } from "./world.ts";

const AUTO_FLUSH: readonly SessionOptions["autoFlush"][] = [
  undefined,
  undefined,
  false,
  { intervalMs: 200 },
  { bytes: 60 },
  { intervalMs: 1500, bytes: 100 },
];

/** Records sessions, new sequences and old ones, and ends them in one of many ways. */
export async function writes(actor: Actor): Promise<void> {
  const { random, world } = actor;
  let finalized: string | undefined;
  for (let round = 1 + random.below(3); round > 0; round--) {
    await actor.turn(random.oneIn(3) ? random.pick(SLEEPS_MS) : 0);
    if (world.isEnding || actor.process.isClosing) return;
    const goesOn = finalized !== undefined && !random.oneIn(3);
    const name = goesOn ? finalized! : random.pick(world.names);
    const isOpen = [...actor.process.sessions].some(({ recording, state }) =>
      state === "open" && recording.name === name
    );
    const isUpdate = goesOn || random.oneIn(3) || (isOpen && !random.oneIn(3));
    const session = await record(actor, name, isUpdate);
    finalized = session?.state === "finalized" ? name : undefined;
  }
}

async function record(
  actor: Actor,
  name: string,
  isUpdate: boolean,
): Promise<Session | undefined> {
  const { random, world, process } = actor;
  const errorPolicy = random.oneIn(4) ? "delete" : "report";
  const latenessNs = random.pick([0n, 0n, 3n, 8n]);
  const autoFlush = random.pick(AUTO_FLUSH);
  const flushesItself = autoFlush === undefined || autoFlush !== false && autoFlush.intervalMs !== undefined;
  const options: SessionOptions = {
    errorPolicy,
    latenessNs,
    ...(autoFlush !== undefined && { autoFlush }),
  };
  const { expected, scheduler } = world;
  const ifExists = world.replaces && !isUpdate && !random.oneIn(3) ? "replace" : "error";
  const from = scheduler.step;
  const recording = isUpdate ? undefined : expected.recording(name, process.owner.name, scheduler.step);
  const removal: Removal | undefined = recording && errorPolicy === "delete"
    ? { name, from: scheduler.step, to: undefined, outcome: "unknown" }
    : undefined;
  if (removal) expected.removals.push(removal);

  const begin = (writer: SequenceWriter, of: Recording): Work => {
    of.madeAt ??= scheduler.step;
    // It is the one on the disk, unless it is to take that one's place.
    const there = recordingOf(name, actor);
    of.replaces ||= there !== of;
    const replaced = there !== of;
    if (replaced && removal) removal.outcome = "refused";
    const session = expected.session(of, {
      begunMs: scheduler.time.nowMs,
      latenessNs,
      mayVanish: errorPolicy === "delete" || replaced,
      flushesItself,
    });
    process.sessions.add(session);
    return {
      actor,
      writer,
      session,
      topics: [],
      removal: replaced ? undefined : removal,
      replacement: replaced
        ? { name, of: there, from: scheduler.step, to: undefined, outcome: "unknown" }
        : undefined,
      timeNs: BigInt(random.below(20)),
    };
  };
  const codes: ErrorCode[] = isUpdate
    ? ["NOT_FOUND", "LOCKED", "CLOSED"]
    : ifExists === "replace"
    ? ["LOCKED", "CLOSED"]
    : ["ALREADY_EXISTS", "LOCKED", "CLOSED"];
  const what = `${isUpdate ? "update" : ifExists === "replace" ? "replace" : "create"} ${name}`;
  const metadata = { inc: recording?.id ?? 0 };
  const { client } = process;
  const start = (
    then?: (writer: SequenceWriter) => Promise<string>,
  ): Promise<string | SequenceWriter> =>
    isUpdate
      ? then ? client.sequenceUpdate(name, options, then) : client.sequenceUpdate(name, options)
      : then
      ? client.sequenceCreate(name, { ...options, metadata, ifExists }, then)
      : client.sequenceCreate(name, { ...options, metadata, ifExists });
  let session: Session | undefined;
  let wasClosed = false;
  if (random.oneIn(4)) {
    let work: Work | undefined;
    const ended = await actor.call(
      `${what} with a function`,
      // What making a topic failed with fails the end.
      codes.concat("ABORTED", "CLOSED", "ALREADY_EXISTS"),
      () =>
        start(async (writer) => {
          work = begin(writer, recording ?? recordingOf(name, actor));
          session = work.session;
          await act(work);
          return await endCallback(work);
        }),
    );
    if (work) settleCallback(work, ended);
    wasClosed = !ended.ok && ended.code === "CLOSED";
  } else {
    const begun = await actor.call(what, codes, () => start());
    wasClosed = !begun.ok && begun.code === "CLOSED";
    if (begun.ok) {
      const writer = begun.value as SequenceWriter;
      const work = begin(writer, recording ?? recordingOf(name, actor));
      session = work.session;
      await act(work);
      await end(work);
    }
  }
  // Begun and given up at once, where the client was closed meanwhile.
  if (!session && wasClosed) {
    const joined = recordingOf(name, actor);
    if (joined) joined.hasFailed = true;
  }
  // One that joined, and whose beginning failed, may have kept what was given up meanwhile.
  if (isUpdate && !session && world.faults.done > 0) {
    for (const other of expected.removals) {
      if (other.name === name && (other.to ?? Infinity) >= from) other.outcome = "unknown";
    }
  }
  if (recording && !session) {
    Object.assign(recording, { madeAt: scheduler.step, hasFailed: true });
    if (removal) removal.outcome = "refused";
  }
  return session;
}

/** Which recording a session goes on with: the session holds its lock, so the manifest stays. */
function recordingOf(name: string, { world }: Actor): Recording {
  const inc = world.disk.versions.get(fileNameOf(name))?.at(-1)?.manifest?.metadata.inc;
  return world.expected.recordings.find(({ id }) => id === inc)!;
}
