import { appendFile, mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import type { ErrorCode } from "../../src/error.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { float64, list } from "../../src/ontology/field.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { HttpStore } from "../../src/store/http/http_store.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { inDirectory } from "../support/places.ts";
import { allTexts, recordSequence, texts } from "../support/sample_rows.ts";
import { until } from "../support/waiting.ts";
import { type Tricks, WebServer } from "../support/web_server.ts";
import { codeOf, content, fileReaderContract, text } from "../contract/store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf } from "../support/places.ts";

const SERVERS: Record<string, Tricks> = {
  "http": {},
  "http, a server without ranges": { noRanges: true },
  "http, a server without ranges and lengths": { noRanges: true, noLength: true },
  "http, a server without ETag": { tag: null },
  "http, a server that knows no sizes": { unknownSize: true },
  "http, a server that knows no sizes and has no HEAD": { unknownSize: true, noLength: true, noHead: true },
};

for (const [name, tricks] of Object.entries(SERVERS)) {
  fileReaderContract(name, async () => {
    const directory = await mkdtemp(join(tmpdir(), "smalti-store-"));
    const server = await WebServer.start(directory);
    server.trick = () => tricks;
    const [store, writer] = [new HttpStore(server.url), new DirectoryStore(directory)];
    return {
      store,
      writer,
      dispose: async () => {
        await store.close();
        await server.stop();
        await writer.close();
        await rm(directory, { recursive: true });
      },
    };
  });
}

/** What a test works with. */
interface Web {
  store: HttpStore;
  server: WebServer;
  directory: string;
  /** Puts a file into the directory. */
  put(path: string, bytes: Uint8Array): Promise<void>;
}

/** Runs `body` with a store on a server; nothing may be left of either. */
async function withWeb(body: (web: Web) => Promise<void>): Promise<void> {
  await inDirectory(async (directory) => {
    const server = await WebServer.start(directory);
    const store = new HttpStore(server.url);
    const put = async (path: string, bytes: Uint8Array) => {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), bytes);
    };
    try {
      await body({ store, server, directory, put });
      await store.close();
      await until(() => server.active === 0);
    } finally {
      await store.close();
      await server.stop();
    }
  });
}

/** Bytes that tell where they are. */
function numbered(length: number, offset = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(offset + i, 2654435761) >>> 24;
  return bytes;
}

/** Expects a range of {@linkcode numbered}. */
function expectRange(bytes: Uint8Array, offset: number, length: number): void {
  const wanted = numbered(length, offset);
  expect([bytes.length, bytes.every((byte, i) => byte === wanted[i])]).toEqual([length, true]);
}

const shown = (server: WebServer, path: string) => server.url + path;

describe("HttpStore requests", () => {
  it("have the path encoded and the query of the URL", async () => {
    await withWeb(async ({ server, put }) => {
      await put("all of them/drive/ünï #1?.txt", text("found"));
      for (const end of ["", "/"]) {
        const store = new HttpStore(`${server.url}all%20of%20them${end}?token=a%2Fb&x=1#part`);
        expect(await content(store, "drive/ünï #1?.txt")).toBe("found");
        await store.close();
        expect(server.asked.at(-1)!.url).toBe(
          "/all%20of%20them/drive/%C3%BCn%C3%AF%20%231%3F.txt?token=a%2Fb&x=1",
        );
      }
    });
  });

  it("ask for the bytes as they are stored", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", text("found"));
      await content(store, "f");
      // Some runtimes add what the store has added.
      expect(server.asked[0].headers["accept-encoding"]).toMatch(/^identity(, identity)?$/);
    });
  });

  it("carry user and password in a header; neither they nor the query are shown", async () => {
    await withWeb(async ({ server, put }) => {
      await put("f", text("found"));
      const url = server.url.replace("//", "//us%40er:s%C3%A9cret@") + "?signature=hidden";
      const store = new HttpStore(url);
      expect(await content(store, "f")).toBe("found");
      expect(server.asked[0].headers.authorization).toBe("Basic dXNAZXI6c8OpY3JldA==");
      expect(store.url).toBe(server.url);

      server.trick = () => ({ status: 403 });
      const errors = [await thrownBy(() => store.read("f", 0, 1)), await thrownBy(() => store.list(""))];
      await server.stop();
      errors.push(await thrownBy(() => store.read("f", 0, 1)));
      expect(errors.map((error) => (error as { code: unknown }).code))
        .toEqual(["PERMISSION_DENIED", "UNSUPPORTED", "UNAVAILABLE"]);
      for (const error of errors) {
        for (let at = error; at instanceof Error; at = at.cause) {
          expect(JSON.stringify([String(at), at.stack, { ...at }])).not.toMatch(/s%C3|sécret|us%40|hidden/);
        }
      }
      await store.close();
      const wrong = await expectError(() => new HttpStore("http://user:secret@:1:"), "INVALID_ARGUMENT");
      expect(String(wrong)).not.toContain("secret");
    });
  });

  it("are one for a whole file, and one for the end of a file with all that follows near it", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("small", numbered(100_000));
      expectRange(await store.read("small", 0, 256 * 1024), 0, 100_000);
      expect(server.asked.length).toBe(1);

      await put("large", numbered(300_000));
      const reader = {};
      expectRange(await store.read("large", 290_000, 16_384, { reader }), 290_000, 10_000);
      expectRange(await store.read("large", 250_000, 40_000, { reader }), 250_000, 40_000);
      expectRange(await store.read("large", 299_999, 40_000, { reader }), 299_999, 1);
      expect(server.asked.slice(1).map(({ range }) => range)).toEqual(["240848-306383"]);

      // What is kept is nobody's: the caller may change what was given.
      await put("tiny", numbered(1000));
      const other = {};
      for (let i = 0; i < 2; i++) {
        const bytes = await store.read("tiny", 0, 1000, { reader: other });
        expectRange(bytes, 0, 1000);
        bytes.fill(0);
      }
      expect(server.asked.length).toBe(3);
    });
  });

  it("are shared by reads near to each other that are asked for together", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(1_000_000));
      await put("g", numbered(1_000));
      const ranges = [[0, 1000], [300_000, 500], [66_000, 1000], [67_000, 10], [66_500, 20], [400_000, 1]];
      const [g, ...parts] = await Promise.all([
        store.read("g", 0, 10),
        ...ranges.map(([offset, length]) => store.read("f", offset, length)),
      ]);
      expectRange(g, 0, 10);
      parts.forEach((part, i) => {
        expect([part.byteOffset, part.buffer.byteLength]).toEqual([0, part.length]);
        expectRange(part, ranges[i][0], ranges[i][1]);
      });
      expect(server.asked.map(({ range }) => range).sort())
        .toEqual(["0-67009", "0-9", "300000-300499", "400000-400000"]);
    });
  });

  it("are shared up to 4 MiB", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(9_000_000));
      const reads = Array.from({ length: 9 }, (_, i) => store.read("f", i * 1_000_000, 1_000_000));
      (await Promise.all(reads)).forEach((part, i) => expectRange(part, i * 1_000_000, 1_000_000));
      expect(server.asked.map(({ range }) => range).sort())
        .toEqual(["0-3999999", "4000000-7999999", "8000000-8999999"]);
      expectRange(await store.read("f", 0, 9_000_000), 0, 9_000_000);
      expect(server.asked.length).toBe(4);
    });
  });

  it("are six at once; reads that wait for their turn share too", async () => {
    await withWeb(async ({ store, server, put }) => {
      for (let i = 0; i < 8; i++) await put(`f${i}`, numbered(20_000));
      let most = 0;
      let go!: () => void;
      const wait = new Promise<void>((resolve) => go = resolve);
      server.trick = () => {
        most = Math.max(most, server.active);
        return { wait };
      };
      const reads: Promise<Uint8Array>[] = [];
      for (let part = 0; part < 10; part++) {
        for (let i = 0; i < 8; i++) reads.push(store.read(`f${i}`, part * 2000, 2000));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await until(() => server.active === 6);
      go();
      (await Promise.all(reads)).forEach((part, i) => expectRange(part, Math.floor(i / 8) * 2000, 2000));
      expect(most).toBe(6);
      // The first of six files at once, then the rest of each, and two files whole.
      expect(server.asked.length).toBe(6 + 6 + 2);
    });
  });
});

describe("HttpStore, where a server does not know the size", () => {
  const tricks: Tricks = { unknownSize: true };

  it("reads what is there, and asks once more where that is less than was asked for", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(1000));
      server.trick = () => tricks;
      expectRange(await store.read("f", 100, 100), 100, 100);
      expect(server.asked.length).toBe(1);
      expectRange(await store.read("f", 900, 500), 900, 100);
      expect(server.asked.map(({ range }) => range)).toEqual(["100-199", "900-1399", "1000-1399"]);
    });
  });

  it("takes a range that ends early for no end", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(1000));
      server.trick = () => ({ ...tricks, most: 70 });
      expectRange(await store.read("f", 100, 200), 100, 200);
      expect(server.asked.map(({ range }) => range)).toEqual(["100-299", "170-299", "240-299"]);
    });
  });

  it.each<[string, Tricks, string[]]>([
    ["by HEAD", {}, ["0-0", undefined!]],
    ["by counting", { noHead: true }, ["0-0", undefined!, "0-67108864", "1000-67108864"]],
  ])("tells it %s", async (_, more, ranges) => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(1000));
      server.trick = () => ({ ...tricks, ...more });
      expect(await store.size("f")).toBe(1000);
      expect(server.asked.map(({ range }) => range)).toEqual(ranges);
    });
  });

  it("reads a range again where the file changed between two requests for it, IO where it always does", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(1000));
      const tags = ["a", "b", "b", "b", "b"];
      server.trick = () => ({ ...tricks, most: 70, tag: tags.shift() ?? crypto.randomUUID() });
      expectRange(await store.read("f", 100, 200), 100, 200);
      expect(server.asked.map(({ range }) => range))
        .toEqual(["100-299", "170-299", "100-299", "170-299", "240-299"]);
      await expectError(() => store.read("f", 100, 100), "IO", "was written anew while it was read");
    });
  });
});

describe("HttpStore errors", () => {
  const codes: [number, ErrorCode, number][] = [
    [400, "IO", 1],
    [401, "UNAUTHENTICATED", 1],
    [403, "PERMISSION_DENIED", 1],
    [404, "NOT_FOUND", 1],
    [410, "NOT_FOUND", 1],
    [429, "UNAVAILABLE", 3],
    [500, "UNAVAILABLE", 3],
    [503, "UNAVAILABLE", 3],
  ];
  it.each(codes)("of status %i are %s, after %i requests", async (status, code, requests) => {
    await withWeb(async ({ store, server }) => {
      server.trick = () => ({ status });
      const error = await expectError(
        () => store.read("drive/gps.arrow", 0, 9),
        code,
        shown(server, "drive/gps.arrow"),
        `the server answers ${status}`,
      );
      expect(error.details.file).toBe("drive/gps.arrow");
      expect(server.asked.length).toBe(requests);
    });
  });

  it("pass where the server answers the second or third time", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(1000));
      const spoiled: Tricks[] = [
        { status: 503 },
        { status: 429 },
        {},
        { dropAfter: 50 },
        { dropAfter: 0 },
        {},
      ];
      server.trick = () => spoiled.shift() ?? {};
      for (let i = 0; i < 2; i++) expectRange(await store.read("f", 100, 500), 100, 500);
      expect(spoiled.length).toBe(0);
    });
  });

  it.each([{}, { noRanges: true }])("are UNAVAILABLE where connections break, %o", async (tricks) => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(100_000));
      server.trick = () => ({ ...tricks, dropAfter: 1000 });
      await expectError(() => store.read("f", 0, 200_000), "UNAVAILABLE", shown(server, "f"));
      expect(server.asked.length).toBe(3);
    });
  });

  it("are UNAVAILABLE with the cause where there is no server", async () => {
    await withWeb(async ({ store, server }) => {
      const url = shown(server, "f");
      await server.stop();
      const error = await expectError(
        () => store.size("f"),
        "UNAVAILABLE",
        url,
        "the server cannot be reached",
      );
      expect(error.cause).toBeInstanceOf(Error);
    });
  });

  it.each<[string, Tricks, ErrorCode, RegExp]>([
    [
      "of another start",
      { contentRange: "bytes 101-199/1000" },
      "IO",
      /"bytes 101-199\/1000": wanted bytes 100-199/,
    ],
    ["of another end", { contentRange: "bytes 100-198/1000" }, "IO", /wanted bytes 100-199/],
    ["past what was asked for", { contentRange: "bytes 100-200/1000" }, "IO", /wanted bytes 100-199/],
    [
      "past what was asked for, of unknown size",
      { contentRange: "bytes 100-200/*" },
      "IO",
      /wanted bytes 100-199/,
    ],
    ["that ends before it begins", { contentRange: "bytes 100-99/*" }, "IO", /wanted bytes 100-199/],
    ["that makes no sense", { contentRange: "lines 1-2/3" }, "IO", /"lines 1-2\/3": wanted bytes 100-199/],
    ["that is missing", { contentRange: null }, "IO", /which range/],
    [
      "of fewer bytes than sent",
      { contentRange: "bytes 100-149/150" },
      "UNAVAILABLE",
      /50 bytes and sent more/,
    ],
  ])("tell of a Content-Range %s", async (_, tricks, code, wanted) => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(1000));
      server.trick = () => tricks;
      const error = await expectError(() => store.read("f", 100, 100), code, shown(server, "f"));
      expect(error.message).toMatch(wanted);
    });
  });

  it("are UNSUPPORTED where the server compresses all the same", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", new Uint8Array(1000));
      for (const tricks of [{}, { noRanges: true }]) {
        server.trick = () => ({ ...tricks, gzip: true });
        await expectError(
          () => store.read("f", 100, 100),
          "UNSUPPORTED",
          "sends it as gzip",
          shown(server, "f"),
        );
      }
    });
  });

  it("are UNSUPPORTED where a server without ranges has a file of more than 64 MiB", async () => {
    await withWeb(async ({ store, server, directory, put }) => {
      await put("f", new Uint8Array(0));
      await truncate(join(directory, "f"), 64 * 2 ** 20);
      await appendFile(join(directory, "f"), text("x"));
      for (const noLength of [false, true]) {
        server.trick = () => ({ noRanges: true, noLength });
        const { length } = await store.read("f", 0, 10).catch(() => ({ length: -1 }));
        expect(length).toBe(noLength ? 10 : -1);
        for (const [offset, size] of [[64 * 2 ** 20, 10], [2 ** 40, 1], [2 ** 20, 2 ** 50]]) {
          await expectError(() => store.read("f", offset, size), "UNSUPPORTED", "does not serve ranges");
        }
      }
      await truncate(join(directory, "f"), 64 * 2 ** 20);
      expect((await store.read("f", 64 * 2 ** 20 - 5, 10)).length).toBe(5);
    });
  });

  it("are UNSUPPORTED for list where there is no index, and CLOSED after close", async () => {
    await withWeb(async ({ store, server }) => {
      await expectError(() => store.list(""), "UNSUPPORTED", "name the sequence");
      await expectError(() => store.list("drive"), "UNSUPPORTED", "name the sequence");
      expect(server.asked.map(({ url }) => url)).toEqual(["/index.json"]);
      server.asked.length = 0;
      await store.close();
      const calls = { list: store.list(""), size: store.size("f"), read: store.read("f", 0, 0) };
      for (const [name, call] of Object.entries(calls)) {
        expect([name, await codeOf(call)]).toEqual([name, "CLOSED"]);
      }
      expect(server.asked.length).toBe(0);
    });
  });

  it.each<[string, Tricks]>([
    ["ETag", {}],
    ["ETag, without ranges", { noRanges: true }],
    ["size", { tag: null }],
    ["size, without ranges", { tag: null, noRanges: true }],
  ])("are IO where a reader's file was changed, told by its %s", async (_, tricks) => {
    await withWeb(async ({ store, server, put }) => {
      server.trick = () => tricks;
      await put("f", numbered(200_000));
      const [reader, other] = [{}, {}];
      await store.read("f", 199_000, 1000, { reader });
      await put("f", numbered(tricks.tag === null ? 200_001 : 200_000).reverse());
      await store.read("f", 0, 10, { reader: other });
      const error = await expectError(
        () => store.read("f", 0, 10, { reader }),
        "IO",
        shown(server, "f"),
        "was written anew while it was read",
      );
      expect(error.details.file).toBe("f");
      // Reads of two readers share no request: what is wrong for one is right for the other.
      const reads = [reader, other].map((reader) => codeOf(store.read("f", 10, 10, { reader })));
      expect(await Promise.all(reads)).toEqual(["IO", "none"]);
    });
  });
});

describe("HttpStore stops", () => {
  it("no request that another read shares", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(10_000));
      let go!: () => void;
      const wait = new Promise<void>((resolve) => go = resolve);
      server.trick = () => ({ wait });
      const stop = new AbortController();
      const stopped = thrownBy(() => store.read("f", 0, 1000, { signal: stop.signal }));
      const other = store.read("f", 1000, 1000);
      await until(() => server.active === 1);
      stop.abort("stop");
      expect(await stopped).toBe("stop");
      go();
      expectRange(await other, 1000, 1000);
      expect(server.asked.map(({ range, ended }) => [range, ended])).toEqual([["0-1999", "whole"]]);
    });
  });

  it("a read whose signal aborts, and the request with its last read", async () => {
    await withWeb(async ({ store, server, put }) => {
      await put("f", numbered(10_000));
      server.trick = () => ({ stopAfter: 100 });
      const stops = [new AbortController(), new AbortController()];
      const reads = stops.map(({ signal }, i) => thrownBy(() => store.read("f", i * 1000, 1000, { signal })));
      await until(() => server.asked[0]?.sent === 100);
      stops[0].abort("first");
      expect(await reads[0]).toBe("first");
      expect(server.active).toBe(1);
      stops[1].abort("second");
      expect(await reads[1]).toBe("second");
      await until(() => server.active === 0);
      expect(server.asked.map(({ range, ended }) => [range, ended])).toEqual([["0-1999", "cut"]]);
      expect(await thrownBy(() => store.read("f", 0, 1, { signal: stops[0].signal }))).toBe("first");
      expect(server.asked.length).toBe(1);
    });
  });

  it("reads that wait for their turn, and those that wait to be tried again", async () => {
    await withWeb(async ({ store, server }) => {
      server.trick = ({ url }) => url === "/tried" ? { status: 503 } : { wait: new Promise(() => {}) };
      const stop = new AbortController();
      const { signal } = stop;
      const tried = thrownBy(() => store.read("tried", 0, 1, { signal }));
      await until(() => server.asked[0]?.ended === "whole");
      const held = Array.from({ length: 5 }, (_, i) => thrownBy(() => store.read(`f${i}`, 0, 1)));
      const waiting = thrownBy(() => store.read("waiting", 0, 1, { signal }));
      await until(() => server.active === 5);
      stop.abort("stop");
      expect([await tried, await waiting]).toEqual(["stop", "stop"]);
      await store.close();
      expect(await Promise.all(held.map((error) => error.then((error) => (error as { code: string }).code))))
        .toEqual(Array(5).fill("CLOSED"));
      expect(server.asked.map(({ url }) => url)).not.toContain("/waiting");
    });
  });

  it("all reads when it is closed", async () => {
    await withWeb(async ({ store, server, put }) => {
      for (let i = 0; i < 8; i++) await put(`f${i}`, numbered(10_000));
      server.trick = ({ url }) => url < "/f3" ? { stopAfter: 100 } : { wait: new Promise(() => {}) };
      const reads = Array.from({ length: 8 }, (_, i) => codeOf(store.read(`f${i}`, 0, 1000)));
      await until(() => server.active === 6);
      await store.close();
      expect(await Promise.all(reads)).toEqual(Array(8).fill("CLOSED"));
      await until(() => server.active === 0);
      expect(server.asked.length).toBe(6);
    });
  });
});

/** 1,000 numbers that do not compress. */
const Noise = defineOntology("Noise", { values: list(float64()) });
const BATCHES = 40;

/** Sequence "s": topic "noise" in batches of two rows and some 16 KB, at 10, 11, 20, 21, ... */
async function recordNoise(directory: string, seed = 1): Promise<void> {
  await using client = clientOf(keepingBatches(new DirectoryStore(directory)));
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("noise", { ontology: Noise });
    let state = seed;
    for (let batch = 1; batch <= BATCHES; batch++) {
      for (let row = 0; row < 2; row++) {
        const values = Float64Array.from({ length: 1000 }, () => {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          return Math.sqrt(state);
        });
        await topic.push({ timestampNs: BigInt(10 * batch + row), data: { values } });
      }
      await topic.flush();
    }
  });
}

/** Runs `body` with a client on a server, and one on the server's directory. */
async function withClients(
  body: (web: { remote: Client; local: Client; server: WebServer; directory: string }) => Promise<void>,
): Promise<void> {
  await withWeb(async ({ server, directory }) => {
    const [remote, local] = [
      await connect(server.url),
      clientOf(keepingBatches(new DirectoryStore(directory))),
    ];
    try {
      await body({ remote, local, server, directory });
    } finally {
      await remote.close();
      await local.close();
    }
  });
}

describe("A client on a web server", () => {
  it.each<[string, Tricks]>([["with ranges", {}], ["without", { noRanges: true }]])(
    "%s replays what one on the directory does",
    async (_, tricks) => {
      await withClients(async ({ remote, local, server }) => {
        server.trick = () => tricks;
        const times = (start: number) => Array.from({ length: 500 }, (_, i) => start + 7 * (i ^ 5));
        const topics = Object.fromEntries(
          Array.from({ length: 20 }, (_, i) => [`part${i % 3}/topic_${i}`, times(i % 4)]),
        );
        await recordSequence(local, "drive", topics);
        const wanted = await allTexts(local, "drive");
        expect(wanted.length).toBe(10_000);
        expect(await allTexts(remote, "drive")).toEqual(wanted);
        // The manifest, and each topic's file, which is small enough to come whole.
        if (!tricks.noRanges) expect(server.asked.length).toBe(1 + 20);
      });
    },
  );

  it("opens a topic by one request, and reads the batches alone that touch the window", async () => {
    await withClients(async ({ remote, server, directory }) => {
      await recordNoise(directory);
      const topic = await remote.topicHandler("s", "noise");
      expect(server.asked.length).toBe(2);
      const before = server.asked.reduce((sum, { sent }) => sum + sent, 0);
      let rows = 0;
      for await (const message of topic.getDataStreamer({ startNs: 101n, endNs: 121n })) {
        expect([...message.getData(Noise).values].length).toBe(1000);
        rows++;
      }
      expect(rows).toBe(4);
      expect(server.asked.length).toBe(2 + 3);
      const sent = server.asked.reduce((sum, { sent }) => sum + sent, 0) - before;
      expect(sent).toBeLessThan(3.1 * topic.sizeBytes / BATCHES);
      expect(await topic.verify()).toEqual([]);
    });
  });

  it("opens a topic whose index is long by one request", async () => {
    await withClients(async ({ remote, local, server }) => {
      await local.sequenceCreate("long", {}, async (sequence) => {
        const topic = await sequence.topicCreate("noise", { ontology: Noise });
        for (let i = 0; i < 500; i++) {
          await topic.push({ timestampNs: BigInt(i), data: { values: Float64Array.of(i) } });
          await topic.flush();
        }
      });
      const topic = await remote.topicHandler("long", "noise");
      expect(server.asked.length).toBe(2);
      expect((await texts(topic.getDataStreamer({ startNs: 499n }))).length).toBe(1);
    });
  });

  it("tells NOT_FOUND, and UNSUPPORTED what a web server cannot do", async () => {
    await withClients(async ({ remote, local, server }) => {
      await recordSequence(local, "drive", { gps: [1, 2] });
      const missing = await expectError(() => remote.sequenceHandler("other"), "NOT_FOUND", `"other"`);
      expect(String(missing.cause)).toContain(shown(server, "other/sequence.json"));
      await expectError(() => remote.listSequences(), "UNSUPPORTED", "name the sequence");
      await expectError(() => remote.sequenceCreate("new"), "UNSUPPORTED", "read only over HTTP");
      await expectError(() => remote.sequenceUpdate("drive"), "UNSUPPORTED", "read only over HTTP");
      await expectError(() => remote.sequenceDelete("drive"), "UNSUPPORTED", "read only over HTTP");
      await expectError(() => remote.recover("drive"), "UNSUPPORTED", "read only over HTTP");
      await expectError(() => remote.compact("drive"), "UNSUPPORTED", "read only over HTTP");
      await expectError(
        () => remote.clearSequenceNotifications("drive"),
        "UNSUPPORTED",
        "read only over HTTP",
      );
      expect((await remote.sequenceInfo("drive")).state).toBe("finalized");
    });
  });

  it("tells where a recording was replaced under a handler; a new handler reads the new one", async () => {
    await withClients(async ({ remote, local, directory }) => {
      await recordNoise(directory);
      const handler = await remote.sequenceHandler("s");
      const stream = handler.getDataStreamer();
      const first = await stream.next();
      expect(first.value![1].timestampNs).toBe(10n);
      await local.sequenceDelete("s");
      await recordNoise(directory, 2);
      const reason = await thrownBy(async () => {
        for await (const _ of stream);
      });
      expect(reason).toMatchObject({ code: "IO", details: { topic: "noise", file: "s/noise.arrow" } });
      expect(String(reason)).toContain("was written anew while it was read");
      expect((await (await remote.topicHandler("s", "noise")).verify()).length).toBe(0);
    });
  });

  it("goes on where a recording is compacted under a handler", async () => {
    await withClients(async ({ remote, directory }) => {
      await recordNoise(directory);
      const handler = await remote.sequenceHandler("s");
      const topic = await handler.topicHandler("noise");
      const stream = handler.getDataStreamer({ maxBufferedBytes: 2 ** 20 });
      const found = [(await stream.next()).value![1].timestampNs];
      const plain = await connect(directory);
      expect((await plain.compact("s")).topics.length).toBe(1);
      await plain.close();
      for await (const [, { timestampNs }] of stream) found.push(timestampNs);
      expect(found).toEqual(
        Array.from({ length: 2 * BATCHES }, (_, i) => BigInt(10 * (1 + (i >> 1)) + i % 2)),
      );
      expect((await topic.latestAt(205n))!.timestampNs).toBe(201n);
    });
  });

  it.each(["close", "abort"])("stops the reads of a streamer at its %s", async (how) => {
    await withClients(async ({ remote, server, directory }) => {
      await recordNoise(directory);
      const topic = await remote.topicHandler("s", "noise");
      server.trick = () => ({ stopAfter: 500 });
      const stop = new AbortController();
      const stream = topic.getDataStreamer({ signal: stop.signal });
      const next = stream.next().catch((reason) => reason);
      await until(() => server.asked.at(-1)!.sent === 500);
      expect(server.active).toBe(1);
      if (how === "close") await stream.close();
      else stop.abort("enough");
      expect(await next).toEqual(how === "close" ? { done: true, value: undefined } : "enough");
      await until(() => server.active === 0);
      expect(server.asked.at(-1)!.ended).toBe("cut");
      // Others go on.
      server.trick = () => ({});
      expect((await topic.getDataStreamer({ endNs: 20n }).next()).value!.timestampNs).toBe(10n);
    });
  });

  it("stops a read ahead when its streamer is left", async () => {
    await withClients(async ({ remote, server, directory }) => {
      await recordNoise(directory);
      for (const how of ["leave", "abort"]) {
        server.trick = () => ({});
        // Opened anew, so that nothing of it is at hand.
        const topic = await remote.topicHandler("s", "noise");
        server.asked.length = 0;
        server.trick = () => server.asked.length > 1 ? { stopAfter: 500 } : {};
        const stop = new AbortController();
        for await (const _ of topic.getDataStreamer({ signal: stop.signal })) {
          await until(() => server.asked.length === 2 && server.asked[1].sent === 500);
          if (how === "leave") break;
          stop.abort();
          await until(() => server.active === 0);
          break;
        }
        await until(() => server.active === 0);
        expect(server.asked.map(({ ended }) => ended)).toEqual(["whole", "cut"]);
      }
    });
  });

  it("gives up what its streamers wait for when it is closed", async () => {
    await withClients(async ({ remote, server, directory }) => {
      await recordNoise(directory);
      const handler = await remote.sequenceHandler("s");
      server.trick = () => ({ wait: new Promise(() => {}) });
      const next = codeOf(handler.getDataStreamer().next());
      await until(() => server.active === 1);
      await remote.close();
      expect(await next).toBe("CLOSED");
      await until(() => server.active === 0);
    });
  });
});
