/**
 * Removing a session that has ended, with what it wrote. The manifest is committed without it first, and names the files that
 * are still to go: whoever takes the lock next ends a removal that was cut short.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import type { Store } from "../store/store.ts";
import type { SequenceState, SessionInfo } from "../types.ts";
import { quoted } from "../util/excerpt.ts";
import { encodeManifest, filesOf, MANIFEST, type Manifest, topicPath } from "./manifest.ts";

/** The manifest without a session, its topics and attachments. NOT_FOUND, LOCKED where the session is being written. */
export function withoutSession(manifest: Manifest, id: string): Manifest {
  const { name: sequence, topics, attachments, removing = [] } = manifest;
  const session = manifest.sessions.find((session) => session.id === id);
  if (!session) {
    throw new SmaltiError("NOT_FOUND", `No session ${quoted(id)} in sequence "${sequence}"`, { sequence });
  }
  if (session.state === "recording") throw stillOpen(sequence, id);
  const files = filesOf(manifest);
  const own = topics.filter(({ sessionId }) => sessionId === id);
  const attached = attachments.filter(({ sessionId }) => sessionId === id);
  const sessions = manifest.sessions.filter((other) => other !== session);
  return {
    ...manifest,
    state: stateWithout(manifest.state, sessions),
    sessions,
    topics: topics.filter((topic) => !own.includes(topic)),
    attachments: attachments.filter((attachment) => !attached.includes(attachment)),
    removing: [
      ...removing,
      ...own.map((topic) => topicPath(files, topic).slice(files.length + 1)),
      ...attached.map(({ file }) => file),
    ],
  };
}

/** Removes the files that a committed manifest says are to go; the manifest that no longer says so. */
export async function endSessionRemoval(store: Store, manifest: Manifest): Promise<Manifest> {
  const { removing, ...ended } = manifest;
  if (removing === undefined) return manifest;
  const removals = await Promise.allSettled(
    removing.map((file) => store.remove(`${filesOf(manifest)}/${file}`)),
  );
  for (const removal of removals) if (removal.status === "rejected") throw removal.reason;
  await store.commit(`${manifest.place}/${MANIFEST}`, encodeManifest(ended));
  return ended;
}

/** The error for a session that cannot be removed yet. */
export function stillOpen(sequence: string, id: string): SmaltiError {
  const text =
    `Cannot delete session "${id}" of sequence "${sequence}": it is being written, wanted one that ended`;
  return new SmaltiError("LOCKED", text, { sequence });
}

/** What a sequence is without one of its sessions: of what ended badly nothing may be left. */
function stateWithout(before: SequenceState, sessions: readonly SessionInfo[]): SequenceState {
  if (sessions.some(({ state }) => state === before)) return before;
  return sessions.at(0)?.state ?? "finalized";
}
