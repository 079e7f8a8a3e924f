import type { ErrorCode } from "../../src/error.ts";
import { defineOntology, type Infer } from "../../src/ontology/define_ontology.ts";
import { int64 } from "../../src/ontology/field.ts";
import type { SequenceWriter, SessionOptions } from "../../src/write/sequence_writer.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import type { Recording, Removal, Row, Session, Topic } from "./expected.ts";
import { type Actor, type Outcome, Thrown } from "./world.ts";

/** Rows that tell which they are. */
const Numbered = defineOntology("Numbered", { serial: int64() });
type Numbered = Infer<typeof Numbered>;

const TOPICS = ["a", "b", "c/d", "c/e", "f", "g", "h"];
const AUTO_FLUSH: readonly SessionOptions["autoFlush"][] = [
  undefined,
  undefined,
  false,
  { intervalMs: 200 },
  { bytes: 60 },
  { intervalMs: 1500, bytes: 100 },
];
const SLEEPS_MS = [1, 40, 100, 400, 1100, 2500];

/** A session under way. */
interface Work {
  readonly actor: Actor;
  readonly writer: SequenceWriter;
  readonly session: Session;
  readonly topics: { writer: TopicWriter<Numbered>; topic: Topic }[];
  /** Its removal, where it made the sequence and is removed when it is given up. */
  readonly removal: Removal | undefined;
  timeNs: bigint;
}

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
  const recording = isUpdate ? undefined : expected.recording(name, process.owner.name, scheduler.step);
  const removal: Removal | undefined = recording && errorPolicy === "delete"
    ? { name, from: scheduler.step, to: undefined, outcome: "unknown" }
    : undefined;
  if (removal) expected.removals.push(removal);

  const begin = (writer: SequenceWriter, of: Recording): Work => {
    of.madeAt ??= scheduler.step;
    const session = expected.session(of, {
      begunMs: scheduler.time.nowMs,
      latenessNs,
      mayVanish: errorPolicy === "delete",
      flushesItself,
    });
    process.sessions.add(session);
    return {
      actor,
      writer,
      session,
      topics: [],
      removal,
      timeNs: BigInt(random.below(20)),
    };
  };
  const codes: ErrorCode[] = isUpdate
    ? ["NOT_FOUND", "LOCKED", "CLOSED"]
    : ["ALREADY_EXISTS", "LOCKED", "CLOSED"];
  const what = `${isUpdate ? "update" : "create"} ${name}`;
  const metadata = { inc: recording?.id ?? 0 };
  const { client } = process;
  const start = (
    then?: (writer: SequenceWriter) => Promise<string>,
  ): Promise<string | SequenceWriter> =>
    isUpdate
      ? then ? client.sequenceUpdate(name, options, then) : client.sequenceUpdate(name, options)
      : then
      ? client.sequenceCreate(name, { ...options, metadata }, then)
      : client.sequenceCreate(name, { ...options, metadata });
  let session: Session | undefined;
  if (random.oneIn(4)) {
    let work: Work | undefined;
    const ended = await actor.call(
      `${what} with a function`,
      codes.concat("ABORTED", "CLOSED"),
      () =>
        start(async (writer) => {
          work = begin(writer, recording ?? recordingOf(name, actor));
          session = work.session;
          await act(work);
          return await endCallback(work);
        }),
    );
    if (work) settleCallback(work, ended);
  } else {
    const begun = await actor.call(what, codes, () => start());
    if (begun.ok) {
      const writer = begun.value as SequenceWriter;
      const work = begin(writer, recording ?? recordingOf(name, actor));
      session = work.session;
      await act(work);
      await end(work);
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
  const inc = world.disk.versions.get(name)?.at(-1)?.manifest?.metadata.inc;
  return world.expected.recordings.find(({ id }) => id === inc)!;
}

/** Pushes, flushes, adds topics, for a while. */
async function act(work: Work): Promise<void> {
  const { actor } = work;
  const { random, world } = actor;
  await addTopic(work);
  for (
    let actions = random.below(14);
    actions > 0 && !world.isEnding;
    actions--
  ) {
    await actor.turn(random.oneIn(6) ? random.pick(SLEEPS_MS) : 0);
    if (actor.process.isClosing) return;
    const kind = random.below(20);
    if (kind < 11) await pushRows(work);
    else if (kind < 13) pushColumns(work);
    else if (kind < 16) {
      const flushed = flush(work);
      if (!random.oneIn(3)) await flushed;
    } else if (kind === 16) await flushTopic(work);
    else if (kind === 17) {
      const added = addTopic(work);
      if (!random.oneIn(3)) await added;
    } else if (kind === 18) {
      await actor.call(
        "attach",
        ["CLOSED"],
        () => work.writer.attach({ name: "x" }, Uint8Array.of(1, 2, 3)),
      );
    }
  }
}

async function addTopic(work: Work): Promise<void> {
  const { actor, writer, session } = work;
  const { expected } = actor.world;
  const name = actor.random.pick(TOPICS);
  const topic = expected.topic(session, name);
  const made = await actor.call(
    `add topic ${name}`,
    ["ALREADY_EXISTS", "CLOSED"],
    () =>
      writer.topicCreate(name, {
        ontology: Numbered,
        metadata: { id: topic.id },
      }),
  );
  if (made.ok) work.topics.push({ writer: made.value, topic });
  else session.topics.splice(session.topics.indexOf(topic), 1);
}

/** A time after the last one, or the same, or earlier. */
function nextTime(work: Work): bigint {
  const { random } = work.actor;
  if (random.oneIn(12)) return work.timeNs - BigInt(random.below(12));
  return work.timeNs += BigInt(random.below(4));
}

/** Notes a row as taken if `take` does not throw; gives what it gives. */
function taken<R>(work: Work, topic: Topic, take: () => R): R | undefined {
  const { actor, session } = work;
  try {
    const result = take();
    mustHaveFailed(work, topic, "push");
    return result;
  } catch (reason) {
    const { code, message } = reason as { code?: ErrorCode; message: string };
    const { faults } = actor.world;
    const allowed = code === "CLOSED" ||
      faults.done > 0 && (code === "IO" || code === "NO_SPACE");
    if (!allowed) actor.world.accuse(`error: a push failed with ${message}`);
    session.isSound = false;
    return undefined;
  }
}

function note({ actor }: Work, { topic, timeNs, serial }: Row): void {
  actor.world.scheduler.note(actor.owner.name, `pushes ${topic.name} ${timeNs} (row ${serial})`);
}

/** Once bytes of a topic may be lost, nothing that follows them succeeds. */
function mustHaveFailed(
  { actor, session }: Work,
  topic: Topic,
  what: string,
): void {
  const { world } = actor;
  const failedAt = world.disk.files.get(
    `${session.recording.name}/${topic.name}.arrow`,
  )?.failedAt;
  if (failedAt === undefined || failedAt >= world.scheduler.step) return;
  world.accuse(
    `silent: a ${what} of ${topic.name} went well though bytes of it may be lost since ${failedAt}`,
  );
}

async function pushRows(work: Work): Promise<void> {
  const { actor, topics } = work;
  const { expected, scheduler } = actor.world;
  if (topics.length === 0) return;
  for (let rows = 1 + actor.random.below(3); rows > 0; rows--) {
    const { writer, topic } = actor.random.pick(topics);
    const timestampNs = nextTime(work);
    const room = taken(work, topic, () => {
      const room = writer.push({
        timestampNs,
        data: { serial: BigInt(expected.nextSerial) },
      });
      note(work, expected.push(topic, timestampNs, scheduler.time.nowMs));
      return { room };
    });
    if (!room) return;
    if (room.room) {
      await actor.call("wait for room", ["CLOSED"], () => room.room);
    }
  }
}

function pushColumns(work: Work): void {
  const { actor, topics } = work;
  const { expected, scheduler } = actor.world;
  if (topics.length === 0) return;
  const { writer, topic } = actor.random.pick(topics);
  const times = Array.from(
    { length: 1 + actor.random.below(4) },
    () => nextTime(work),
  );
  taken(work, topic, () => {
    const serial = BigInt64Array.from(
      times,
      (_, i) => BigInt(expected.nextSerial + i),
    );
    writer.pushColumns({ timestampNs: BigInt64Array.from(times), serial });
    for (const timeNs of times) {
      expected.push(topic, timeNs, scheduler.time.nowMs);
    }
  });
}

async function flush(work: Work): Promise<void> {
  const { actor, session, writer } = work;
  const counts = session.topics.map((topic) => [topic, topic.rows.length] as const);
  const flushed = await actor.call("flush", ["CLOSED"], () => writer.flush());
  if (!flushed.ok) {
    session.isSound = false;
    return;
  }
  for (const [topic, count] of counts) {
    topic.promised = Math.max(topic.promised, count);
  }
}

async function flushTopic(work: Work): Promise<void> {
  const { actor, session, topics } = work;
  if (topics.length === 0) return;
  const { writer, topic } = actor.random.pick(topics);
  const count = topic.rows.length;
  const flushed = await actor.call(
    "flush a topic",
    ["CLOSED"],
    () => writer.flush(),
  );
  if (flushed.ok) topic.promised = Math.max(topic.promised, count);
  else session.isSound = false;
}

/** Ends a session in one of the ways there are. */
async function end(work: Work): Promise<void> {
  const { actor } = work;
  const { random, world } = actor;
  await actor.turn();
  const kind = random.below(21);
  if (kind < 11) await finalize(work);
  else if (kind < 15) await abort(work, true);
  else if (kind === 15) {
    const [first, second] = random.shuffle([
      finalize,
      (work: Work) => abort(work, false),
    ]);
    await Promise.all([first(work), second(work)]);
  } else if (kind === 16) await Promise.all([flush(work), finalize(work)]);
  else if (kind === 17) await Promise.all([flush(work), abort(work, false)]);
  else if (kind === 18) await dispose(work);
  else if (kind === 19) await finalizeOnSignal(work);
  else {
    // Left open until the client is closed, or all ends.
    while (!world.isEnding && !actor.process.isClosing) await actor.turn(500);
    await dispose(work);
  }
}

async function finalize(work: Work): Promise<void> {
  const { actor, session, writer } = work;
  const ended = await actor.call(
    "finalize",
    ["CLOSED"],
    () => writer.finalize(),
  );
  if (ended.ok) finalized(work);
  else if (session.state === "open") givenUp(work);
}

/** Ends by a signal: the next push tells when it is finalized. */
async function finalizeOnSignal(work: Work): Promise<void> {
  const { actor, session, writer, topics } = work;
  const stop = new AbortController();
  writer.finalizeOn(stop.signal);
  await actor.turn();
  const wasOpen = writer.status === "open";
  stop.abort(new Thrown("as the case wants"));
  if (!wasOpen || topics.length === 0) return await dispose(work);
  const message = { timestampNs: work.timeNs, data: { serial: -1n } };
  const stopped = await actor.call(
    "a push after the signal",
    ["CLOSED"],
    () => topics[0].writer.push(message),
  );
  if (stopped.ok) actor.world.accuse("signal: a push was taken after it");
  else if (stopped.code === "thrown") finalized(work);
  else if (session.state === "open") givenUp(work);
}

function finalized({ session, removal, actor }: Work): void {
  session.state = "finalized";
  actor.process.sessions.delete(session);
  if (removal) removal.outcome = "refused";
}

function givenUp({ session }: Work): void {
  session.wasGivenUp = true;
  session.isSound = false;
  if (session.state !== "finalized") session.state = "ended";
}

/** Gives up, by the session's policy or another; `alone` where nothing else ends it meanwhile. */
async function abort(work: Work, alone: boolean): Promise<void> {
  const { actor, session, writer } = work;
  const { scheduler, expected } = actor.world;
  const policy = actor.random.pick([undefined, "delete", "report"] as const);
  const from = scheduler.step;
  let { removal } = work;
  if (
    policy === "delete" && !removal && session.recording.sessions[0] === session
  ) {
    removal = {
      name: session.recording.name,
      from,
      to: undefined,
      outcome: "unknown",
    };
    expected.removals.push(removal);
  }
  if (policy === "delete") session.mayVanish = true;
  session.wasGivenUp = true;
  session.isSound = false;
  const aborted = await actor.call(
    `abort (${policy})`,
    ["CLOSED"],
    () => writer.abort("as the case wants", policy),
  );
  if (session.state === "finalized") {
    // It waited for that.
    if (removal) removal.outcome = "refused";
    return;
  }
  if (!aborted.ok) return;
  givenUp(work);
  actor.process.sessions.delete(session);
  if (removal && policy !== "report") {
    Object.assign(removal, { from, to: scheduler.step });
    if (
      alone && !actor.process.isClosing &&
      session.recording.sessions.length === 1
    ) removal.outcome = "done";
  }
}

async function dispose(work: Work): Promise<void> {
  const { actor, session, writer } = work;
  const isOpen = writer.status === "open";
  if (session.state !== "finalized" && isOpen) session.wasGivenUp = true;
  session.isSound = false;
  await actor.call("dispose", [], () => writer[Symbol.asyncDispose]());
  if (session.state !== "open") return;
  if (writer.status === "finalized") finalized(work);
  else givenUp(work);
}

/** What the function returns, throws, or does with the writer before. */
async function endCallback(work: Work): Promise<string> {
  const { actor, session } = work;
  await actor.turn();
  const kind = actor.random.below(10);
  if (kind < 6) return "returned";
  if (kind === 6) await finalize(work);
  else if (kind === 7) {
    await abort(work, true);
    return "aborted";
  } else if (kind === 8) void flush(work);
  else {
    session.wasGivenUp = true;
    throw new Thrown("as the case wants");
  }
  return "returned";
}

function settleCallback(
  work: Work,
  ended: Outcome<string | SequenceWriter>,
): void {
  const { actor, session } = work;
  if (session.state === "finalized") return;
  if (!ended.ok) return givenUp(work);
  if (session.state === "open") finalized(work);
  else {
    actor.world.accuse("callback: it resolved though its sequence was aborted");
  }
}
