import { fileNameOf, topicFileOf } from "../../src/embedded/file_names.ts";
import type { ErrorCode } from "../../src/error.ts";
import { defineOntology, type Infer } from "../../src/ontology/define_ontology.ts";
import { int64 } from "../../src/ontology/field.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import type { Removal, Row, Session, Topic } from "./expected.ts";
import type { Actor } from "./world.ts";

/** Rows that tell which they are. */
const Numbered = defineOntology("Numbered", { serial: int64() });
type Numbered = Infer<typeof Numbered>;

const TOPICS = ["A", "a", "c/D", "c/d", "con", "g", "h"];
/** How long writers sleep, in ms. */
export const SLEEPS_MS: readonly number[] = [1, 40, 100, 400, 1100, 2500];

/** A session under way. */
export interface Work {
  readonly actor: Actor;
  readonly writer: SequenceWriter;
  readonly session: Session;
  readonly topics: { writer: TopicWriter<Numbered>; topic: Topic }[];
  /** Its removal, where it made the sequence and is removed when it is given up. */
  readonly removal: Removal | undefined;
  /** That of the sequence whose place it is to take: it counts from when this one is about to end. */
  readonly replacement: Removal | undefined;
  timeNs: bigint;
}

/** Pushes, flushes, adds topics, for a while. */
export async function act(work: Work): Promise<void> {
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
    mustHaveFailed(work, topic, "push", actor.world.scheduler.step);
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
function mustHaveFailed({ actor, session }: Work, topic: Topic, what: string, calledAt: number): void {
  const { world } = actor;
  // Those of what took another's place are elsewhere.
  if (session.recording.replaces) return;
  const failedAt = world.disk.files.get(
    `${fileNameOf(session.recording.name)}/${topicFileOf(topic.name)}.arrow`,
  )?.failedAt;
  if (failedAt === undefined || failedAt >= calledAt) return;
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

export async function flush(work: Work): Promise<void> {
  const { actor, session, writer } = work;
  const counts = session.topics.map((topic) => [topic, topic.rows.length] as const);
  const calledAt = actor.world.scheduler.step;
  const flushed = await actor.call("flush", ["CLOSED"], () => writer.flush());
  if (!flushed.ok) {
    session.isSound = false;
    return;
  }
  for (const [topic, count] of counts) {
    topic.promised = Math.max(topic.promised, count);
    topic.shown = Math.max(topic.shown, count);
    if (session.state === "open") mustHaveFailed(work, topic, "flush", calledAt);
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
