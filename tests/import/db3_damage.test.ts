import type * as Sqlite from "node:sqlite";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { afterAll, describe, expect, it } from "vitest";
import { importDb3 } from "../../src/import/db3/import_db3.ts";
import { parseTable } from "../../src/import/db3/sqlite_table.ts";
import { isLong } from "../support/positions.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { damage, expectOnly, outcomeOf, sourceOf } from "./damage_search.ts";
import { concat } from "./mcap_file.ts";
import { u32 } from "./mcap_parts.ts";

const FILE = "tests/import/db3_damage.test.ts";
const real = new Uint8Array(
  readFileSync(
    fileURLToPath(new URL("../fixtures/formats/talker.db3", import.meta.url)),
  ),
);
const salvage = { salvage: true };
const run = (bytes: Uint8Array, options = {}, how = {}) =>
  outcomeOf(importDb3, sourceOf(bytes, how), options);

const sqlite = (process as { getBuiltinModule?: (name: string) => unknown })
  .getBuiltinModule?.("node:sqlite") as
    | typeof Sqlite
    | undefined;
const directory = mkdtempSync(join(tmpdir(), "smalti-db3-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const TOPICS = "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, " +
  "serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL)";
const MESSAGES =
  "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, " +
  "data BLOB NOT NULL)";

/** A `std_msgs/msg/UInt32`. */
const cdr = (value: number) => concat([Uint8Array.of(0, 1, 0, 0), u32(value)]);

let files = 0;

/** What SQLite makes of statements, with the files beside it that are there before it is closed. */
function write(
  statements: readonly string[],
  {
    rows = 10,
    blob = cdr,
    topics = [[
      "/a",
      "std_msgs/msg/UInt32",
      "cdr",
    ]] as const as readonly (readonly string[])[],
    before = [] as string[],
  } = {},
): { bytes: Uint8Array; beside: Record<string, Uint8Array> } {
  const path = join(directory, `${files++}.db3`);
  const database = new sqlite!.DatabaseSync(path);
  for (const sql of ["PRAGMA synchronous = OFF", ...before]) database.exec(sql);
  for (const sql of statements) database.exec(sql);
  const topic = database.prepare(
    "INSERT INTO topics(name, type, serialization_format, offered_qos_profiles) VALUES (?, ?, ?, '')",
  );
  for (const [name, type, format] of topics) topic.run(name, type, format);
  const message = database.prepare(
    "INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)",
  );
  for (let i = 1; i <= rows; i++) {
    message.run(
      1 + i % topics.length,
      1_700_000_000_000_000_000n + BigInt(i),
      blob(i),
    );
  }
  const beside: Record<string, Uint8Array> = {};
  try {
    beside["-wal"] = new Uint8Array(readFileSync(`${path}-wal`));
  } catch {
    // It is in no such mode.
  }
  const open = new Uint8Array(readFileSync(path));
  database.close();
  return {
    bytes: beside["-wal"] ? open : new Uint8Array(readFileSync(path)),
    beside,
  };
}

const values = (lines: readonly string[]) => lines.map((line) => JSON.parse(line).data.data);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

// Node 20 has no SQLite to write them with.
describe.skipIf(!sqlite)("importDb3 of what SQLite writes", () => {
  it.each([512, 1024, 4096, 65536])(
    "reads pages of %s bytes, rows over many of them, and auto-vacuum",
    async (size) => {
      for (const vacuum of ["NONE", "FULL", "INCREMENTAL"]) {
        const before = [
          `PRAGMA page_size = ${size}`,
          `PRAGMA auto_vacuum = ${vacuum}`,
        ];
        const { bytes } = write([TOPICS, MESSAGES], { before, rows: 400 });
        expect(values((await run(bytes)).lines)).toEqual(upTo(400));
        const blob = (i: number) => concat([cdr(i), new Uint8Array(i % 7 === 0 ? 200_000 : 300).fill(i)]);
        const large = write([TOPICS, MESSAGES], { before, rows: 30, blob });
        const { report, lines } = await run(large.bytes);
        expect(
          lines.map((line) => Buffer.from(JSON.parse(line).data._raw, "base64"))
            .map(({ length }) => length),
        )
          .toEqual(upTo(30).map((i) => blob(i).length));
        expect(report!.topics[0].misfitCount).toBe(30);
      }
    },
  );

  it.each(["UTF-8", "UTF-16le", "UTF-16be"])(
    "reads texts in %s",
    async (encoding) => {
      const before = [`PRAGMA encoding = "${encoding}"`];
      const { bytes } = write([TOPICS, MESSAGES], {
        before,
        topics: [["/ä", "std_msgs/msg/UInt32", "cdr"]],
      });
      const { report, lines } = await run(bytes);
      expect([values(lines), report!.topics[0].sourceName]).toEqual([
        upTo(10),
        "/ä",
      ]);
    },
  );

  it("reads tables with columns in other orders, more of them, quoted and with comments", async () => {
    const topics = `CREATE TABLE topics("offered_qos_profiles" TEXT DEFAULT '(,)', type TEXT, -- a, comment)
      name TEXT CHECK (length(name) > 0), [serialization_format] TEXT, id INTEGER, more TEXT, PRIMARY KEY (id))`;
    const messages =
      "CREATE TABLE messages(data BLOB, `timestamp` INTEGER, note TEXT /* , */, topic_id INTEGER, id INTEGER PRIMARY KEY)";
    expect(values((await run(write([topics, messages]).bytes)).lines)).toEqual(
      upTo(10),
    );
  });

  it("reads the log of a writer that died, as far as it is whole", async () => {
    const before = [
      "PRAGMA journal_mode = WAL",
      "PRAGMA wal_autocheckpoint = 0",
    ];
    const { bytes, beside } = write([TOPICS, MESSAGES], { before });
    expect(values((await run(bytes, {}, { beside })).lines)).toEqual(upTo(10));
    const wal = beside["-wal"];
    let most = 0;
    for (let length = 0; length <= wal.length; length += isLong ? 61 : 1999) {
      const { lines } = await run(bytes, {}, {
        beside: { "-wal": wal.subarray(0, length) },
      });
      expect(values(lines)).toEqual(upTo(lines.length));
      expect(lines.length).toBeGreaterThanOrEqual(most);
      most = lines.length;
    }
    expect(most).toBeGreaterThan(5);
    const damaged = wal.slice();
    damaged[wal.length - 5000] ^= 1;
    const { lines } = await run(bytes, {}, { beside: { "-wal": damaged } });
    expect(values(lines)).toEqual(upTo(lines.length));
    expect(lines.length).toBeLessThan(10);
  });

  it("tells of a journal beside it", async () => {
    const { bytes } = write([TOPICS, MESSAGES]);
    const hot = {
      "-journal": Uint8Array.of(
        0xd9,
        0xd5,
        0x05,
        0xf9,
        0x20,
        0xa1,
        0x63,
        0xd7,
        0,
        0,
      ),
    };
    expect((await run(bytes, {}, { beside: hot })).error?.rawMessage).toContain(
      "has a journal beside it (-journal)",
    );
    expect((await run(bytes, salvage, { beside: hot })).report!.flawCounts)
      .toEqual({ journal: 1 });
    expect(
      (await run(bytes, {}, { beside: { "-journal": new Uint8Array(512) } }))
        .report!.flaws,
    ).toEqual([]);
  });

  it("refuses tables WITHOUT ROWID, of other columns, and databases that are no bag", async () => {
    const refused = async (statements: string[]) => (await run(write(statements, { rows: 1 }).bytes)).error;
    const rowless = MESSAGES.replace("id INTEGER PRIMARY KEY", "id INTEGER") +
      "";
    const without = `${rowless.slice(0, -1)}, PRIMARY KEY (topic_id, timestamp)) WITHOUT ROWID`;
    expect(await refused([TOPICS, without])).toMatchObject({
      code: "UNSUPPORTED",
      rawMessage: expect.stringContaining("table messages is WITHOUT ROWID"),
    });
    const path = join(directory, "other.db");
    const database = new sqlite!.DatabaseSync(path);
    database.exec("CREATE TABLE messages(id INTEGER PRIMARY KEY, text TEXT)");
    database.exec("INSERT INTO messages(text) VALUES ('hello')");
    const noTopics = new Uint8Array(readFileSync(path));
    expect((await run(noTopics)).error?.rawMessage).toContain(
      "no bag of ROS 2: it has no tables topics and messages",
    );
    database.exec(
      "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT)",
    );
    database.close();
    const { error } = await run(new Uint8Array(readFileSync(path)));
    expect([error?.code, error?.rawMessage]).toEqual([
      "UNSUPPORTED",
      expect.stringContaining("table messages has no column topic_id"),
    ]);
  });

  it("loses the rows of a damaged page alone", async () => {
    const { bytes } = write([TOPICS, MESSAGES], {
      rows: 500,
      before: ["PRAGMA page_size = 1024"],
    });
    const { lines: truth } = await run(bytes);
    const leaf = [...Array(bytes.length / 1024).keys()].filter((page) => bytes[page * 1024] === 13)[7];
    const broken = bytes.slice();
    broken[leaf * 1024] = 99;
    const { error } = await run(broken);
    expect(error?.rawMessage).toContain(
      `damaged at byte ${leaf * 1024}, in page ${leaf + 1}: it is no page of a table (kind 99`,
    );
    const { report, lines } = await run(broken, salvage);
    expectOnly(lines, truth);
    expect(lines.length).toBeGreaterThan(450);
    expect(lines.length).toBeLessThan(500);
    expect(report!.flawCounts).toEqual({ page: 1 });
    expect(report!.flaws[0]).toMatchObject({
      offset: leaf * 1024,
      lost: "its rows of table messages",
    });
  });

  it("ends where pages lead in a circle, and rows share their overflow", async () => {
    const { bytes } = write([TOPICS, MESSAGES], {
      rows: 300,
      before: ["PRAGMA page_size = 512"],
    });
    const view = new DataView(bytes.buffer);
    for (let at = 512; at < bytes.length; at += 512) {
      if (bytes[at] !== 5) {
        continue;
      }
      // Every child is the page itself.
      for (let i = 0; i < view.getUint16(at + 3); i++) {
        view.setUint32(
          at + view.getUint16(at + 12 + 2 * i),
          at / 512 + 1,
        );
      }
    }
    expect((await run(bytes)).error?.rawMessage).toContain("it is used twice");
    const large = write([TOPICS, MESSAGES], {
      rows: 4,
      before: ["PRAGMA page_size = 512"],
      blob: (i) => new Uint8Array(3000).fill(i),
    }).bytes;
    const pages = new DataView(large.buffer);
    const leaf = [...Array(large.length / 512).keys()].findLast((page) => large[page * 512] === 13)!;
    const cell = leaf * 512 + pages.getUint16(leaf * 512 + 8);
    // Four overflow pages in, the chain of the row leads back to its first page.
    const first = [...Array(large.length - cell).keys()].map((i) => cell + i)
      .find((at) => {
        const next = pages.getUint32(at);
        return next > 1 && next <= large.length / 512 && at < leaf * 512 + 510;
      })!;
    const chain = pages.getUint32(first);
    pages.setUint32((chain - 1) * 512, chain);
    const { report } = await run(large, salvage);
    expect(
      report!.flaws.some(({ message }) => message.includes("it is used twice")),
    ).toBe(true);
    expect(report!.messageCount).toBe(3);
  });

  it("keeps what cannot be decompressed out, and topics of other encodings as bytes", async () => {
    const blob = (i: number) => i === 3 ? Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3) : cdr(i);
    const { bytes } = write([TOPICS, MESSAGES], { blob });
    expect((await run(bytes)).error?.rawMessage).toContain(
      "message 3 cannot be decompressed",
    );
    const { report, lines } = await run(bytes, salvage);
    expect([values(lines), report!.flawCounts]).toEqual([[
      1,
      2,
      4,
      5,
      6,
      7,
      8,
      9,
      10,
    ], { message: 1 }]);
    const topics = [["/a", "std_msgs/msg/UInt32", "json"], [
      "/A",
      "std_msgs/msg/UInt32",
      "xyz",
    ], ["", "", "cdr"]];
    const other = await run(write([TOPICS, MESSAGES], { topics }).bytes);
    expect(
      other.report!.topics.map((
        { sourceName, messageCount },
      ) => [sourceName, messageCount]),
    )
      .toEqual([["/A", 4], ["", 3], ["/a", 3]]);
  });

  it("orders by a field of the messages", async () => {
    const { bytes } = write([TOPICS, MESSAGES], { blob: (i) => cdr(100 - i) });
    const { lines } = await run(bytes, { time: "data", timeUnit: "s" });
    const first = JSON.parse(lines[0]);
    expect([
      first.timestamp_ns,
      first.data.data,
      String(first.data._log_time_ns),
    ]).toEqual(["90000000000", 90, "1700000000000000010"]);
  });
});

describe("importDb3 with salvage", () => {
  it("says what is no database", async () => {
    const text = (bytes: Uint8Array) => run(bytes, salvage).then(({ error }) => error?.rawMessage);
    expect(await text(new Uint8Array(0))).toContain(
      "no SQLite database: its signature is wrong",
    );
    expect(await text(real.subarray(0, 50))).toContain(
      "it has 50 bytes, wanted 100 or more",
    );
    const odd = real.slice();
    odd[16] = 3;
    expect(await text(odd)).toContain("a page has");
    const gone = real.slice();
    gone.fill(0, 100, 4096);
    expect(await text(gone)).toContain(
      "damaged at byte 0, in page 1: it is no page of a table",
    );
  });

  it("keeps what is whole of a file that is cut, at every place", async () => {
    const { lines: truth } = await run(real);
    for (let length = 0; length <= real.length; length += isLong ? 61 : 1009) {
      const cut = real.subarray(0, length);
      const { report, lines } = await run(cut, salvage, {
        isStream: length % 2 === 1,
      });
      expectOnly(lines, truth);
      if (report && lines.length < truth.length) {
        expect(report.flaws.length).toBeGreaterThan(0);
      }
    }
  });

  it("makes an error or a whole sequence of whatever there is, and loses nothing in silence", async () => {
    const { cases, seed } = caseRange(isLong ? 5000 : 150);
    const small = sqlite && write([TOPICS, MESSAGES], {
      rows: 90,
      before: ["PRAGMA page_size = 512"],
      blob: (i) => i % 9 === 0 ? new Uint8Array(1500).fill(i) : cdr(i),
    }).bytes;
    const files = small ? [real, small] : [real];
    const truths = await Promise.all(
      files.map(async (bytes) => (await run(bytes)).lines.length),
    );
    for (let i = 0; i < cases; i++) {
      try {
        const random = new Random(seed + i);
        const file = random.below(files.length);
        const bytes = damage(files[file], random);
        const strict = await run(bytes);
        const { report, lines } = await run(bytes, salvage);
        if (report && lines.length < truths[file]) {
          expect(report.flaws.length).toBeGreaterThan(0);
          expect(strict.error).toBeDefined();
        }
      } catch (reason) {
        throw failedCase(seed + i, FILE, reason);
      }
    }
  });
});

describe("parseTable", () => {
  it.each<[string, string[], number, boolean]>([
    ["CREATE TABLE t(a, b INTEGER PRIMARY KEY)", ["a", "b"], 1, false],
    ["CREATE TABLE t(a INT PRIMARY KEY)", ["a"], -1, false],
    [
      `CREATE TABLE "t(x"("a ""b""" TEXT, c NUMERIC(1, 2), PRIMARY KEY(c)) WITHOUT  ROWID`,
      [`a "b"`, "c"],
      -1,
      true,
    ],
    [
      "CREATE TABLE t(x DEFAULT ('),('), id integer, CONSTRAINT k PRIMARY KEY (id), UNIQUE (x))",
      ["x", "id"],
      1,
      false,
    ],
    ["CREATE TABLE t", [""], -1, false],
    ["CREATE TABLE t(((((", ["("], -1, false],
    [`CREATE TABLE t(a, ${"[".repeat(1_000_000)}`, ["a", "[".repeat(999_998)], -1, false],
  ])("reads %s", (sql, columns, rowIdColumn, isWithoutRowId) => {
    expect(parseTable(sql)).toEqual({ columns, rowIdColumn, isWithoutRowId });
  });
});
