import { fileNameOf, topicFileOf } from "../../src/embedded/file_names.ts";
import type { SequenceInfo } from "../../src/types.ts";
import { compareRows, type Recording, type Row } from "./expected.ts";
import type { Process, World } from "./world.ts";

/** Looks at what a case left on the disk, recovers it, and holds it to what was promised. */
export async function inspect(world: World): Promise<void> {
  const { disk, expected, scheduler, names } = world;
  const process = world.start(true);
  // Another disk by now: on this one nothing that failed could ever be recovered.
  for (const file of disk.files.values()) file.cannotSync = false;
  const listed = await process.client.listSequences();
  for (const name of names) {
    const place = fileNameOf(name);
    const files = [...disk.files.keys()].filter((path) => path.startsWith(`${place}/`));
    if (
      expected.mustBeGone(name, scheduler.step) &&
      (files.length > 0 || (listed.includes(name) && disk.stale.size === 0))
    ) {
      world.accuse(
        `back: ${name} was removed, and there is ${files.length > 0 ? files : "its name in the list"}`,
      );
    }
    const isThere = disk.files.has(`${place}/sequence.json`);
    // Before it is recovered, which removes what others left.
    if (isThere && !world.hadCrash && world.faults.done === 0) {
      checkFiles(world, await process.client.sequenceInfo(name));
    }
    const found = isThere ? await recover(world, process, name) : undefined;
    for (const recording of expected.recordings) {
      if (recording.name === name) {
        await checkRecording(world, process, recording, found);
      }
    }
  }
  await process.client.close();
}

/** Recovers a sequence; a second recovery changes nothing. */
async function recover(
  world: World,
  place: Process,
  name: string,
): Promise<SequenceInfo | undefined> {
  await world.call(
    place,
    `recover ${name} at the end`,
    [],
    () => place.client.recover(name),
  );
  const again = await world.call(
    place,
    `recover ${name} again`,
    [],
    () => place.client.recover(name),
  );
  if (again.ok && again.value.changed) {
    world.accuse(`recover: a second one of ${name} changed something`);
  }
  const info = await world.call(
    place,
    `info of ${name}`,
    [],
    () => place.client.sequenceInfo(name),
  );
  return info.ok ? info.value : undefined;
}

async function checkRecording(
  world: World,
  place: Process,
  recording: Recording,
  found: SequenceInfo | undefined,
): Promise<void> {
  const { name, sessions, id } = recording;
  const isThere = found?.metadata.inc === id;
  if (isThere && world.expected.isReplaced(recording)) {
    world.accuse(`back: ${name} (${id}) was replaced, and is there`);
  }
  if (!isThere) {
    // What was begun is there, unless it was removed, or is not known to have been begun.
    const [first] = sessions;
    if (first && !first.mayVanish && !world.expected.mayBeRemoved(recording)) {
      world.accuse(`gone: ${name} (${id}) was created, and is not there`);
    }
    return;
  }
  for (const session of sessions) {
    for (const topic of session.topics) {
      const { rowCount } = found.topics.find(({ metadata }) => metadata.id === topic.id) ?? {};
      const { rows, promised } = topic;
      const isWhole = rowCount === rows.length;
      if (session.state === "finalized" && !isWhole) {
        world.accuse(
          `commit: ${topic.name} of ${name} has ${rowCount} rows, wanted all ${rows.length}`,
        );
      }
      if (promised > (rowCount ?? 0) && !session.mayVanish) {
        world.accuse(
          `lost: ${topic.name} of ${name} has ${rowCount} rows, ${promised} were promised`,
        );
      }
    }
  }
  await replay(world, place, recording, found);
}

/** Rows as the manifest has them, in order, with nothing damaged. */
async function replay(
  world: World,
  place: Process,
  { name, id }: Recording,
  info: SequenceInfo,
): Promise<void> {
  const wanted = [...world.expected.rowsOf(info as never)];
  const rows = wanted.map((serial) => world.expected.rows[serial] as Row | undefined);
  if (rows.some((row) => row?.topic.session.recording.id !== id)) {
    // Where a removal failed twice, at its mark and at the manifest, what it left joins the next of its name.
    if (world.faults.done > 1 && world.expected.removals.length > 0) return;
    return world.accuse(`rows: ${name} tells of more than was pushed`);
  }
  const serials = (rows as Row[]).sort(compareRows).map(({ serial }) => serial);
  await world.call(place, `replay ${name} at the end`, world.damage, async () => {
    const handler = await place.client.sequenceHandler(name);
    const got: number[] = [];
    for await (const [, { data }] of handler.getDataStreamer()) {
      got.push(Number(data.serial));
    }
    if (String(got) !== String(serials)) {
      world.accuse(`rows: ${name} replays ${got}, wanted ${serials}`);
    }
    for (const { name: topic } of handler.topics) {
      const errors = await (await handler.topicHandler(topic)).verify();
      for (const { message } of errors) {
        world.accuse(`verify: ${topic} of ${name}: ${message}`);
      }
    }
  });
}

/** Where nothing went wrong, nothing is there but what the manifest speaks of. */
function checkFiles(
  world: World,
  { name, topics, attachments, ...rest }: SequenceInfo,
): void {
  const { directory } = rest as { directory?: string };
  const files = attachments as unknown as { file: string }[];
  const known = new Set([
    "sequence.json",
    ...[
      "sequence.notifications",
      ...topics.map((topic) => `${topicFileOf(topic.name)}.arrow`),
      ...files.map(({ file }) => file),
    ]
      .map((file) => directory ? `${directory}/${file}` : file),
  ]);
  const place = fileNameOf(name);
  const others = [...world.disk.files.keys()].filter((path) =>
    path.startsWith(`${place}/`) && !known.has(path.slice(place.length + 1))
  );
  if (others.length > 0) world.accuse(`left: ${others} of ${name}`);
}
