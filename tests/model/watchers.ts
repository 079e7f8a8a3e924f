import { fileNameOf } from "../../src/embedded/file_names.ts";
import type { ErrorCode } from "../../src/error.ts";
import type { Message } from "../../src/read/merge/message.ts";
import { compareRows, type Recording, type Removal, type Row } from "./expected.ts";
import { RULES } from "./rules.ts";
import type { Actor } from "./world.ts";

/** What a follower was given so far. */
export interface Followed {
  readonly actor: Actor;
  readonly recording: Recording;
  readonly names: ReadonlySet<string> | undefined;
  readonly hearsOfLate: boolean;
  readonly serials: Set<number>;
  last: Row | undefined;
  state: "runs" | "ended" | "closed" | "failed";
}

/** Follows sequences, each to its end or until it has seen enough. */
export async function follows(actor: Actor, all: Followed[]): Promise<void> {
  const { random, world, process } = actor;
  for (let rounds = 1 + random.below(3); rounds > 0; rounds--) {
    await actor.turn(random.oneIn(2) ? random.pick([5, 60, 300]) : 0);
    if (process.isClosing) return;
    const name = random.pick(world.names);
    const opened = await actor.call(`open ${name} to follow`, [
      "NOT_FOUND",
      "CLOSED",
    ], () => process.client.sequenceHandler(name, { follow: true }));
    if (!opened.ok) continue;
    const handler = opened.value;
    const recording = world.expected.recordings.find(({ id }) => id === handler.metadata.inc);
    if (!recording) {
      world.accuse(
        `follower: ${name} was opened with metadata of nobody's: ${handler.metadata.inc}`,
      );
      continue;
    }
    const hearsOfLate = !random.oneIn(4);
    const followed: Followed = {
      actor,
      recording,
      names: random.oneIn(4) ? new Set(["a", "c/d"]) : undefined,
      hearsOfLate,
      serials: new Set(),
      last: undefined,
      state: "runs",
    };
    all.push(followed);
    await follow(
      actor,
      followed,
      handler.getDataStreamer({
        follow: true,
        ...(followed.names && { topics: [...followed.names] }),
        ...(hearsOfLate &&
          { onLate: (_, message) => take(actor, followed, message, true) }),
      }),
    );
  }
}

async function follow(
  actor: Actor,
  followed: Followed,
  stream: AsyncIterableIterator<[string, Message]> & { close(): Promise<void> },
): Promise<void> {
  const { random, world, process } = actor;
  const { recording: { name }, hearsOfLate, names } = followed;
  const start = world.scheduler.step;
  const codes: ErrorCode[] = ["UNAVAILABLE", "ABORTED", "CLOSED"];
  if (!hearsOfLate) codes.push("OUT_OF_ORDER");
  if (names || !RULES.followersTellRemoval) codes.push("NOT_FOUND");
  codes.push(...world.damage);
  const leavesEarly = random.oneIn(6);
  while (true) {
    await actor.turn();
    if (leavesEarly && random.oneIn(12) && !process.isClosing) {
      // While it waits for more, too.
      const rest = random.oneIn(2) ? actor.call("next", codes, () => stream.next()) : undefined;
      followed.state = "closed";
      await actor.call("close a follower", [], () => stream.close());
      await rest;
      return;
    }
    const next = await actor.call(`follow ${name}`, codes, () => stream.next());
    if (!next.ok) {
      followed.state = "failed";
      return checkFailure(actor, followed, next.code as ErrorCode);
    }
    if (next.value.done) break;
    take(actor, followed, next.value.value[1], false);
  }
  followed.state = "ended";
  checkEnd(actor, followed, start);
}

/** A message that a follower was given, in its turn or because it was late. */
function take(
  { world }: Actor,
  followed: Followed,
  message: Message,
  isLate: boolean,
): void {
  const { recording: { name, id }, serials, last, names } = followed;
  const row = world.expected.rows[Number(message.data.serial)];
  const what = `${message.topic} ${message.timestampNs} (row ${message.data.serial})`;
  world.scheduler.note("follower", `${isLate ? "hears of" : "gets"} ${what}`);
  if (
    !row || row.timeNs !== message.timestampNs ||
    row.topic.name !== message.topic
  ) {
    return world.accuse(
      `follower: of ${name} was given ${what}, which nobody pushed`,
    );
  }
  if (row.topic.session.recording.id !== id) {
    return world.accuse(`mixed: ${what} is of another ${name}`);
  }
  if (names && !names.has(row.topic.name)) {
    world.accuse(`follower: was given ${what}, which it did not ask for`);
  }
  if (serials.has(row.serial)) {
    world.accuse(`twice: a follower of ${name} was given ${what} twice`);
  }
  serials.add(row.serial);
  if (isLate) {
    if (!world.expected.mayBeLate(row, world.scheduler.time.nowMs)) {
      world.accuse(`late: ${what} of ${name} was called late, and was not`);
    }
    return;
  }
  if (last && compareRows(last, row) >= 0) {
    world.accuse(
      `order: a follower of ${name} was given ${what} after ${last.topic.name} ${last.timeNs}`,
    );
  }
  followed.last = row;
}

/** Why a follower may fail. */
function checkFailure(
  { world, process }: Actor,
  followed: Followed,
  code: ErrorCode,
): void {
  const { recording } = followed;
  const { expected, faults } = world;
  const wasGivenUp = recording.hasFailed ||
    recording.sessions.some(({ wasGivenUp }) => wasGivenUp) ||
    expected.mayBeRemoved(recording);
  const { nowMs } = world.scheduler.time;
  const isLate = expected.rows.some((row) =>
    row.topic.session.recording === recording && expected.mayBeLate(row, nowMs)
  );
  const reasons: Partial<Record<ErrorCode, boolean>> = {
    UNAVAILABLE: recording.lostWriter || recording.hasFailed || faults.done > 0,
    ABORTED: wasGivenUp || faults.done > 0,
    CLOSED: process.isClosing,
    OUT_OF_ORDER: isLate,
  };
  if (reasons[code] === false) {
    world.accuse(
      `follower: of ${recording.name} failed with ${code} for no reason`,
    );
  }
}

/** At its end a follower has all that was committed by then, and nothing else. */
function checkEnd(
  { world }: Actor,
  { recording, names, serials }: Followed,
  start: number,
): void {
  const { disk, expected } = world;
  const versions = disk.versions.get(fileNameOf(recording.name)) ?? [];
  const first = versions.findLastIndex(({ step }) => step <= start);
  const seen = versions.slice(Math.max(0, first)).filter(({ manifest }) =>
    manifest?.metadata.inc === recording.id
  );
  const differences = seen.map(({ manifest }) => {
    const wanted = expected.rowsOf(manifest!, names);
    const missing = [...wanted].filter((serial) => !serials.has(serial));
    const surplus = [...serials].filter((serial) => !wanted.has(serial));
    return missing.length + surplus.length === 0 ? undefined : `missing ${missing}; surplus ${surplus}`;
  });
  if (differences.includes(undefined)) return;
  world.accuse(
    `end: a follower of ${recording.name} ended with other rows: ${differences.at(-1)}`,
  );
}

/** Reads and checks what is committed, and looks around. */
export async function reads(actor: Actor): Promise<void> {
  const { random, world, process: { client } } = actor;
  for (
    let rounds = 2 + random.below(5);
    rounds > 0 && !world.isEnding;
    rounds--
  ) {
    await actor.turn(random.oneIn(2) ? random.pick([5, 100, 700]) : 0);
    if (actor.process.isClosing) return;
    const name = random.pick(world.names);
    const kind = random.below(10);
    if (kind < 6) await read(actor, name);
    else if (kind === 6) {
      await actor.call("list", ["CLOSED"], () => client.listSequences());
    } else if (kind === 7) {
      await actor.call(
        "list details",
        ["CLOSED"],
        () => client.listSequences({ details: true }),
      );
    } else if (kind === 8) {
      await actor.call(
        `info of ${name}`,
        ["NOT_FOUND", "CLOSED"],
        () => client.sequenceInfo(name),
      );
    } else await notifies(actor, name);
  }
}

async function notifies(actor: Actor, name: string): Promise<void> {
  const { client } = actor.process;
  await actor.call(
    "notifications",
    ["NOT_FOUND", "CLOSED"],
    () => client.listSequenceNotifications(name),
  );
}

/** Reads a sequence and holds it to its manifest. */
async function read(actor: Actor, name: string): Promise<void> {
  const { world, process: { client }, random } = actor;
  const codes: ErrorCode[] = ["NOT_FOUND", "CLOSED"];
  const opened = await actor.call(
    `open ${name}`,
    [...codes, "LOCKED"],
    () => client.sequenceHandler(name),
  );
  if (!opened.ok) return;
  const handler = opened.value;
  const recording = world.expected.recordings.find(({ id }) => id === handler.metadata.inc);
  if (!recording) {
    return world.accuse(
      `reader: ${name} has metadata of nobody's: ${handler.metadata.inc}`,
    );
  }
  if (!RULES.readersKeepFiles) codes.push("CORRUPT", "IO");
  codes.push(...world.damage);
  if (random.oneIn(3)) {
    for (const { name: topic } of handler.topics) {
      const found = await actor.call(
        `verify ${topic} of ${name}`,
        codes,
        async () =>
          await (await handler.topicHandler(topic)).verify({
            deep: random.oneIn(2),
          }),
      );
      if (!found.ok) return;
      for (const { code, message } of found.value) {
        if (!codes.includes(code)) {
          world.accuse(`verify: of ${topic} of ${name} found ${message}`);
        }
      }
    }
  }
  const stream = handler.getDataStreamer();
  const serials = new Set<number>();
  let last: Row | undefined;
  while (true) {
    if (random.oneIn(4)) await actor.turn();
    const next = await actor.call(`read ${name}`, codes, () => stream.next());
    if (!next.ok) return;
    if (next.value.done) break;
    const [, { data, topic, timestampNs }] = next.value.value;
    const row = world.expected.rows[Number(data.serial)];
    const isRight = row?.topic.name === topic && row.timeNs === timestampNs &&
      row.topic.session.recording === recording;
    if (!isRight) {
      return world.accuse(
        `reader: of ${name} was given ${topic} ${timestampNs}, which nobody pushed`,
      );
    }
    if (last && compareRows(last, row) >= 0) {
      world.accuse(`order: a reader of ${name}: row ${row.serial}`);
    }
    last = row;
    serials.add(row.serial);
  }
  const wanted = world.expected.rowsOf(handler.info as never);
  if (
    wanted.size !== serials.size ||
    [...wanted].some((serial) => !serials.has(serial))
  ) {
    world.accuse(
      `reader: of ${name} got ${[...serials]}, wanted ${[...wanted]}`,
    );
  }
}

/** Removes sequences. */
export async function removes(actor: Actor): Promise<void> {
  const { random, world } = actor;
  for (
    let rounds = 1 + random.below(2);
    rounds > 0 && !world.isEnding;
    rounds--
  ) {
    await actor.turn(random.pick([0, 30, 300, 1500]));
    if (actor.process.isClosing) return;
    await remove(actor, random.pick(world.names));
  }
}

/** Removes a sequence. */
export async function remove(actor: Actor, name: string): Promise<void> {
  const { world, process: { client } } = actor;
  const removal: Removal = {
    name,
    from: world.scheduler.step,
    to: undefined,
    outcome: "unknown",
  };
  world.expected.removals.push(removal);
  const removed = await actor.call(`remove ${name}`, [
    "NOT_FOUND",
    "LOCKED",
    "CLOSED",
  ], () => client.sequenceDelete(name));
  removal.to = world.scheduler.step;
  if (removed.ok) removal.outcome = "done";
  else if (["NOT_FOUND", "LOCKED", "CLOSED"].includes(removed.code)) {
    removal.outcome = "refused";
  }
}

/** Recovers what others left, and joins small batches. */
export async function recovers(actor: Actor): Promise<void> {
  const { random, world, process: { client } } = actor;
  for (
    let rounds = 1 + random.below(3);
    rounds > 0 && !world.isEnding;
    rounds--
  ) {
    await actor.turn(random.pick([0, 20, 200, 1000]));
    if (actor.process.isClosing) return;
    const name = random.pick(world.names);
    await actor.call(
      `recover ${name}`,
      ["NOT_FOUND", "LOCKED", "CLOSED"],
      () => client.recover(name),
    );
  }
}
