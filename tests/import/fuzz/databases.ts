/**
 * Databases of SQLite: those of files, and small ones with a log beside them.
 *
 * @module
 */
import * as sqlite from "node:sqlite";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, type FuzzTarget } from "./check.ts";
import { mutate } from "./mutate.ts";
import { filesOf, pickFile } from "./samples.ts";

/** Databases that SQLite makes, some with a log beside them. */
function madeDatabases(): { bytes: Uint8Array; wal?: Uint8Array }[] {
  const directory = mkdtempSync(join(tmpdir(), "smalti-fuzz-"));
  try {
    return [512, 1024, 4096].flatMap((page) =>
      [false, true].map((isLogged) => {
        const path = join(directory, `${page}-${isLogged}.db3`);
        const database = new sqlite.DatabaseSync(path);
        database.exec(`PRAGMA page_size = ${page}`);
        if (isLogged) database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
        database.exec(
          "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, " +
            "serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL)",
        );
        database.exec(
          "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, " +
            "data BLOB NOT NULL)",
        );
        database.exec("CREATE INDEX timestamp_idx ON messages (timestamp ASC)");
        const topic = database.prepare("INSERT INTO topics VALUES (?, ?, ?, 'cdr', '')");
        topic.run(1, "/a", "std_msgs/msg/UInt32");
        topic.run(2, "/b", "std_msgs/msg/String");
        const message = database.prepare("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)");
        for (let i = 0; i < 60; i++) {
          const data = new Uint8Array(i % 9 === 0 ? 1500 : 8 + i % 5);
          data[1] = 1;
          data[4] = i;
          message.run(1 + i % 2, i * 1000, data);
        }
        const bytes = new Uint8Array(readFileSync(path));
        const made = isLogged ? { bytes, wal: new Uint8Array(readFileSync(`${path}-wal`)) } : { bytes };
        database.close();
        return made;
      })
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Sets the checksums of a log right, so that what is wrong within is read. */
function sealWal(wal: Uint8Array): void {
  if (wal.length < 32) return;
  const view = new DataView(wal.buffer, wal.byteOffset, wal.length);
  const isLittle = (view.getUint32(0) & 1) === 0;
  let [first, second] = [0, 0];
  const add = (from: number, to: number) => {
    for (let at = from; at < to; at += 8) {
      first = first + view.getUint32(at, isLittle) + second >>> 0;
      second = second + view.getUint32(at + 4, isLittle) + first >>> 0;
    }
  };
  const write = (at: number) => {
    view.setUint32(at, first);
    view.setUint32(at + 4, second);
  };
  add(0, 24);
  write(24);
  const page = view.getUint32(8);
  if (page < 512 || page > 65536 || page % 8 !== 0) return;
  for (let at = 32; at + 24 + page <= wal.length; at += 24 + page) {
    view.setUint32(at + 8, view.getUint32(16));
    view.setUint32(at + 12, view.getUint32(20));
    add(at, at + 8);
    add(at + 24, at + 24 + page);
    write(at + 16);
  }
}

/** Databases and logs, each of which may be what is damaged. */
export async function sqliteTarget(): Promise<FuzzTarget> {
  const { importDb3 } = await import("../../../src/import/db3/import_db3.ts");
  const made = madeDatabases();
  const files = filesOf(".db3");
  const logs = made.flatMap(({ wal }) => wal ?? []);
  return async (random, keep) => {
    const { bytes, wal } = random.oneIn(2)
      ? random.pick(made)
      : { bytes: pickFile(files, random), wal: undefined };
    const given = wal && random.oneIn(2) ? bytes : mutate(bytes, random, files);
    let log = wal ?? (random.oneIn(10) ? random.pick(logs) : undefined);
    if (log && !random.oneIn(5)) {
      log = mutate(log, random, logs).slice();
      if (!random.oneIn(5)) sealWal(log);
    }
    keep(given);
    return await check(importDb3, given, random, {
      ...(log && { beside: { "-wal": log } }),
      options: random.oneIn(3) ? { time: "header.stamp" } : {},
    });
  };
}
