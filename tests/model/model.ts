/**
 * A model test of the life cycles of sequences: each seed makes a case, in which several processes record, follow, read,
 * remove and recover over one disk, in an order and with failures that the seed decides.
 *
 * @module
 */
import process from "node:process";
import { type Session, SILENT_MS } from "./expected.ts";
import { inspect } from "./inspector.ts";
import { settled } from "./virtual_time.ts";
import { type Followed, follows, reads, recovers, removes } from "./watchers.ts";
import { type Process, World } from "./world.ts";
import { writes } from "./writers.ts";

/** What came of a case. */
export interface CaseReport {
  readonly failures: readonly string[];
  /** A number that stands for all that happened. */
  readonly hash: number;
  readonly steps: number;
}

/** How a case may be made smaller, or be looked at. */
export interface CaseOptions {
  /** Takes what happened, line by line. */
  trace?: string[];
  /** Numbers of the actors that are left out. */
  without?: ReadonlySet<number>;
  /** Steps after which all ends what it does. */
  steps?: number;
  /** The disk does not keep what it synced: to show that this is found. */
  forgetsSyncs?: boolean;
}

/** What the library loads when it is first asked for: that takes real time, of which cases have none. */
const loaded = Promise.all([
  import("../../src/embedded/embedded_changes.ts"),
  import("../../src/embedded/recover_sequence.ts"),
  import("../../src/embedded/compact_sequence.ts"),
  import("../../src/embedded/copy_sequence.ts"),
  import("../../src/embedded/recover_topic_file.ts"),
  import("../../src/embedded/verify_topic_file.ts"),
  import("../../src/embedded/live.ts"),
  import("../../src/embedded/live_info.ts"),
  import("../../src/embedded/growing_topics.ts"),
  import("../../src/write/sequence_writer.ts"),
]);

/** No case takes so many; one that does never ends. */
const MOST_STEPS = 20_000;

/** Runs the case of a seed. */
export async function runCase(
  seed: number,
  options: CaseOptions = {},
): Promise<CaseReport> {
  await loaded;
  const world = new World(seed, options.trace);
  const restore = world.scheduler.time.install();
  // Nobody reads where errors come from, unless what happened is to be looked at.
  const { stackTraceLimit } = Error;
  if (!options.trace) Error.stackTraceLimit = 0;
  const unhandled = (reason: unknown) =>
    world.accuse(`unhandled: ${(reason as Error)?.stack ?? String(reason)}`);
  process.on("unhandledRejection", unhandled);
  try {
    await run(world, options);
    await settled();
  } catch (reason) {
    world.accuse(`threw: ${(reason as Error)?.stack ?? String(reason)}`);
  } finally {
    restore();
    Error.stackTraceLimit = stackTraceLimit;
    process.off("unhandledRejection", unhandled);
  }
  const { hash, step } = world.scheduler;
  return { failures: world.failures, hash, steps: step };
}

async function run(
  world: World,
  { without = new Set(), steps, forgetsSyncs = false }: CaseOptions,
): Promise<void> {
  const { random, scheduler, faults, disk } = world;
  disk.forgetsSyncs = forgetsSyncs;
  const followed: Followed[] = [];
  let number = 0;
  const act = (
    place: Process,
    kind: "writer" | "follower" | "reader" | "remover" | "recoverer",
  ) => {
    if (without.has(++number)) return;
    const actor = world.actor(place, `${kind} ${number}`, kind === "follower");
    const acts = {
      writer: writes,
      reader: reads,
      remover: removes,
      recoverer: recovers,
    };
    const done = kind === "follower" ? follows(actor, followed) : acts[kind](actor);
    done.catch((reason) => world.accuse(`threw: ${(reason as Error)?.stack ?? String(reason)}`));
  };
  if (random.oneIn(4)) {
    Object.assign(faults, {
      oneIn: 10 + random.below(150),
      left: 1 + random.below(3),
    });
  }
  if (random.oneIn(4)) scheduler.stallRate = random.pick([0, 0.1]);
  const processes = Array.from(
    { length: 1 + random.below(3) },
    () => world.start(),
  );
  for (let i = 1 + random.below(2); i > 0; i--) {
    act(random.pick(processes), "writer");
  }
  for (let i = random.below(3); i > 0; i--) {
    act(random.pick(processes), "follower");
  }
  if (random.oneIn(2)) act(random.pick(processes), "reader");
  if (random.oneIn(4)) act(random.pick(processes), "remover");
  if (random.oneIn(4)) act(random.pick(processes), "recoverer");

  const most = steps ?? 30 + random.below(random.oneIn(4) ? 900 : 350);
  const closesAt = random.oneIn(8) ? random.below(most) : -1;
  for (
    let crashes = random.oneIn(3) ? 1 + random.below(2) : 0;
    crashes > 0;
    crashes--
  ) {
    await goOn(world, random.below(most / 2), closesAt);
    const losesPower = random.oneIn(2);
    const living = world.processes.filter(({ owner }) => !owner.dead);
    world.crash(losesPower ? living : [random.pick(living)], losesPower);
    const next = world.start();
    act(next, random.pick(["recoverer", "writer"]));
    act(next, random.pick(["recoverer", "writer", "follower", "reader"]));
  }
  await goOn(world, most, closesAt);
  if (faults.done === 0 && random.oneIn(3)) await beQuiet(world, followed);
  faults.left = 0;
  await finish(world);
  await inspect(world);
}

/** Lets so many steps happen; a client is closed at one of them. */
async function goOn(
  world: World,
  steps: number,
  closesAt: number,
): Promise<void> {
  const { random, scheduler } = world;
  const end = scheduler.step + steps;
  await settled();
  while (scheduler.step < end) {
    if (scheduler.step === closesAt) close(world, random.pick(world.processes));
    if (!await scheduler.go()) return;
  }
}

function close(world: World, place: Process): void {
  if (place.owner.dead || place.isClosing) return;
  place.isClosing = true;
  for (const session of place.sessions) {
    session.wasGivenUp = true;
    session.isSound = false;
  }
  void world.call(
    place,
    `close of ${place.owner.name}`,
    [],
    () => place.client.close(),
  );
}

/** Nobody pushes or ends anything for a while: then followers have what was flushed. */
async function beQuiet(
  world: World,
  followed: readonly Followed[],
): Promise<void> {
  const { scheduler, expected } = world;
  world.isQuiet = true;
  scheduler.note("QUIET", "begins");
  scheduler.stallRate = 0;
  scheduler.isSlow = false;
  // Of several sessions one that is silent is waited for 10 s; flushes by default take a tenth of the time.
  const long = world.random.oneIn(6) ? 60_000 : 15_000;
  const until = scheduler.time.nowMs + long;
  while (await scheduler.go(until)) if (scheduler.step > MOST_STEPS) break;
  for (const { actor, recording, serials, state, names } of followed) {
    if (world.faults.done > 0) break; // what failed meanwhile need not be there
    if (
      state !== "runs" || actor.owner.dead ||
      expected.mayBeRemoved(recording) || recording.lostWriter
    ) continue;
    const { sessions } = recording;
    if (
      sessions.some(({ isSound, state }) => !isSound || (state !== "open" && state !== "finalized"))
    ) continue;
    const open = sessions.filter(({ state }) => state === "open");
    // Of several one that has just begun is waited for.
    const { nowMs } = scheduler.time;
    if (sessions.length > 1 && open.some(({ begunMs }) => nowMs - begunMs < SILENT_MS + 1000)) continue;
    const flushesInTime = ({ flushesItself }: Session) => flushesItself && long === 60_000;
    // Nobody has said a word of those that are open: what is committed is told with their first.
    const hasSpoken = open.some((session) =>
      session.topics.some(({ rows, shown }) => shown > 0 || (flushesInTime(session) && rows.length > 0))
    );
    if (open.length > 0 && !hasSpoken) continue;
    // Rows that were pushed and not flushed hold back those after them.
    const isFlushed = (session: Session) => session.state !== "open" || flushesInTime(session);
    const isPending = (session: Session) =>
      !isFlushed(session) && session.topics.some(({ rows, shown }) => rows.length > shown);
    if (open.some(isPending)) continue;
    for (const topic of sessions.flatMap(({ topics }) => topics)) {
      if (names && !names.has(topic.name)) continue;
      const rows = isFlushed(topic.session) ? topic.rows : topic.rows.slice(0, topic.shown);
      const missing = rows.find(({ serial }) => !serials.has(serial));
      if (!missing) continue;
      world.accuse(
        `quiet: a follower of ${recording.name} did not get row ${missing.serial} of ${topic.name}`,
      );
    }
  }
  world.endQuiet();
}

/** All end what they do; then nothing may be left that waits. */
async function finish(world: World): Promise<void> {
  const { scheduler } = world;
  world.isEnding = true;
  scheduler.stallRate = 0;
  scheduler.isSlow = false;
  const end = scheduler.step + MOST_STEPS;
  const untilMs = scheduler.time.nowMs + 300_000;
  const rest = async () => {
    await settled();
    while (await scheduler.go(untilMs)) {
      if (scheduler.step > end) {
        return world.accuse("endless: it goes on and on");
      }
    }
  };
  await rest();
  for (const { owner, store } of world.processes) {
    if (!owner.dead && store.held.size > 0) {
      world.accuse(`held: ${owner.name} holds ${[...store.held.values()]}`);
    }
  }
  for (const place of world.processes) close(world, place);
  await rest();
  for (const { label, process } of world.pending.values()) {
    if (!process.owner.dead) {
      world.accuse(`unsettled: ${label} of ${process.owner.name} never ended`);
    }
  }
  if (world.disk.locks.size > 0) {
    world.accuse(
      `lock: ${[...world.disk.locks.keys()]} is held after all has ended`,
    );
  }
}
