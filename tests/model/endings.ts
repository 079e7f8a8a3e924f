import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import { flush, type Work } from "./work.ts";
import { type Outcome, Thrown } from "./world.ts";

/** Ends a session in one of the ways there are. */
export async function end(work: Work): Promise<void> {
  const { actor } = work;
  const { random, world } = actor;
  await actor.turn();
  mayReplace(work);
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
    // That of a topic that was being made: what failed fails the end too.
    ["CLOSED", "ALREADY_EXISTS"],
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

/** From now on the sequence whose place it is to take may go. */
function mayReplace({ replacement, actor }: Work): void {
  if (replacement) actor.world.expected.removals.push(replacement);
}

function finalized({ session, removal, replacement, actor }: Work): void {
  session.state = "finalized";
  if (replacement) {
    replacement.outcome = "done";
    session.mayVanish = false;
  }
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
    policy === "delete" && !removal && !work.replacement && session.recording.sessions[0] === session
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
  // The other is there still, unless something else ends this one meanwhile.
  if (work.replacement && alone && !actor.process.isClosing) work.replacement.outcome = "refused";
  if (removal && policy !== "report") {
    Object.assign(removal, { from, to: scheduler.step });
    if (
      alone && !actor.process.isClosing && session.recording.sessions.length === 1 &&
      // Else another one began it, of which nobody was told.
      !session.recording.hasFailed && !session.recording.lostWriter
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
export async function endCallback(work: Work): Promise<string> {
  const { actor, session } = work;
  await actor.turn();
  mayReplace(work);
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

/** What came of a function that records. */
export function settleCallback(
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
