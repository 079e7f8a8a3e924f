/**
 * What programs may do with few rights: each row of the table in `docs/rights.md`, on Deno with exactly its flags; and on
 * Node with its permission model. What a program asks for beyond would show a question on a terminal.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { createServer, type Server } from "../../src/flight/server/mod.ts";
import { silence } from "../store/locks.ts";
import { library, needsBuild } from "../support/child.ts";
import { FLIGHT } from "../support/cli_process.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { inDirectory, onStore } from "../support/places.ts";
import { addTopic, recordSequence } from "../support/sample_rows.ts";
import { WebServer } from "../support/web_server.ts";

const [isDeno, isBun] = ["deno", "bun"].map((name) => name in process.versions);
const notDeno = isDeno ? "" : " (the flags are Deno's)";
const [major] = process.versions.node.split(".").map(Number);
const hasModel = !isDeno && !isBun && major >= 24;
const notModel = hasModel ? needsBuild : " (Node has it from 24 on)";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PROGRAM = here("rights_program.ts");
const CLI = here("../../src/cli/main.ts");

/** What is done, by the program of this directory or by the command line; and at which place, where not in the store. */
type Doing = { program: string; place?: "grpc" | "http" | "memory:"; other?: "FILE" | "OUT" | "PORT" } | {
  cli: string;
};

/** What the rows of the table say, as something to do. */
const ROWS: Record<string, Doing[]> = {
  "list, replay, query, verify": [
    { program: "list" },
    { program: "replay" },
    { program: "query" },
    { cli: "ls --store DIR" },
    { cli: "info s --store DIR" },
    { cli: "play s --store DIR" },
    { cli: "types s --store DIR" },
    { cli: "verify s --deep --store DIR" },
  ],
  "follow": [{ program: "follow" }, { program: "followEnded" }, { cli: "play s --follow --store DIR" }],
  "record, add a session, replace": [{ program: "record" }, { program: "update" }, { program: "replace" }],
  "recover, compact, delete": [
    { program: "recover" },
    { program: "compact" },
    { program: "delete" },
    { cli: "recover left --store DIR" },
    { cli: "compact s --store DIR" },
    { cli: "rm s --store DIR" },
  ],
  "import `FILE`": [{ program: "import", other: "FILE" }, { cli: "import FILE --name imported --store DIR" }],
  "export to a file in the directory `OUT`": [
    { program: "export", other: "OUT" },
    { cli: "export s --to ndjson --store DIR -o OUT/s.ndjson" },
  ],
  "serve": [{ program: "serve", other: "PORT" }],
  "read and write by a server, `grpc://`": [{ program: "writeAndRead", place: "grpc" }],
  "read from a web server, `http://`": [{ program: "replay", place: "http" }],
  "record and replay in memory, `memory:`": [{ program: "writeAndRead", place: "memory:" }],
};

/** The rows of the table: what, and the flags. */
async function readTable(): Promise<Map<string, string[]>> {
  const text = await readFile(here("../../docs/rights.md"), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("|")).slice(2);
  return new Map(rows.map((row) => {
    const cells = row.split("|").map((cell) => cell.trim());
    return [cells[1], cells[3].replaceAll("`", "").split(" ").filter((flag) => flag !== "")];
  }));
}

/** What is in the store, and is there still where a right was missing. */
const LEFT = ["growing", "left", "s"];

interface Outcome {
  /** What it said last. */
  said: string;
  /** Rights it asked for, granted or not. */
  asked: { permission: string; value: string }[];
}

/** Of no use; `node:child_process` gives a program all rights where there is no such flag. */
const NOTHING = "--allow-env=NOTHING";

/** Runs a program in a directory, with no more than its flags. */
async function runDeno(cwd: string, flags: readonly string[], args: readonly string[]): Promise<Outcome> {
  const audit = join(cwd, "audit.jsonl");
  await rm(audit, { force: true });
  const child = spawn(
    process.execPath,
    [
      "run",
      "--no-prompt",
      NOTHING,
      "--node-modules-dir=manual",
      "--config",
      here("../../deno.json"),
      ...flags,
      ...args,
    ],
    {
      cwd,
      env: { ...process.env, DENO_AUDIT_PERMISSIONS: audit, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => said += text);
  }
  await new Promise((resolve) => child.once("close", resolve));
  const lines = (await readFile(audit, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  return { said: said.trim(), asked: lines.map((line) => JSON.parse(line)) };
}

/** Which flag allows what was asked for; undefined where none does. */
function flagFor(
  flags: readonly string[],
  cwd: string,
  { permission, value }: Outcome["asked"][0],
): string | undefined {
  return flags.find((flag) => {
    const [name, list] = flag.split("=");
    if (name !== `--allow-${permission}`) return false;
    if (permission === "net") return list.split(",").some((host) => value.includes(host));
    return list.split(",").some((path) => {
      const [allowed, asked] = [resolve(cwd, path), resolve(cwd, value)];
      return asked === allowed || asked.startsWith(`${allowed}/`);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a writer left that died. */
async function leave(directory: string): Promise<void> {
  const [living, store] = [new MemoryStore(), new DirectoryStore(directory)];
  await onStore(living, async (client) => {
    const sequence = await client.sequenceCreate("left");
    await addTopic(sequence, "a", [1, 2]);
    await sequence.flush();
    await copyFiles(living, store);
    await sequence.abort();
  });
  await store.close();
}

describe.skipIf(!isDeno)(`On Deno${notDeno}`, () => {
  let base: string;
  let end: () => void;
  let done: Promise<unknown>;
  let table: Map<string, string[]>;
  let served: Server, web: WebServer, growing: Client;
  let port: number;

  beforeAll(async () => {
    table = await readTable();
    await new Promise<void>((ready) => {
      done = inDirectory(async (directory) => {
        base = directory;
        const ended = new Promise<void>((resolve) => end = resolve);
        ready();
        await ended;
      });
    });
    for (const name of ["DIR", "OUT"]) await mkdir(join(base, name));
    growing = await connect(join(base, "DIR"));
    await addTopic(await growing.sequenceCreate("growing", { autoFlush: { intervalMs: 20 } }), "a", [
      1,
      2,
      3,
    ]);
    const other = await connect("memory:");
    served = await createServer(other, { port: 0 });
    web = await WebServer.start(join(base, "DIR"));
    port = await freePort();
    await fill();
  });

  afterAll(async () => {
    await served.close();
    await web.stop();
    await growing.close();
    end();
    await done;
  });

  async function fill(): Promise<void> {
    const client = await connect(join(base, "DIR"));
    for (const name of await readdir(join(base, "DIR"))) {
      if (name !== "growing") await rm(join(base, "DIR", name), { recursive: true });
    }
    await recordSequence(client, "s", { a: [1, 2], "Cam/b": [3] });
    await client.close();
    await leave(join(base, "DIR"));
    await rm(join(base, "OUT"), { recursive: true, force: true });
    await mkdir(join(base, "OUT"));
  }

  /** The names of the table as they are here. */
  function filled(text: string, doing: Doing, isAbsolute: boolean): string {
    const path = (name: string) => isAbsolute ? join(base, name) : name;
    const place = "place" in doing ? doing.place : undefined;
    const host = place === "grpc"
      ? `${served.host}:${served.port}`
      : place === "http"
      ? new URL(web.url).host
      : `127.0.0.1:${port}`;
    return text.replaceAll("HOST:PORT", host).replaceAll("DIR", path("DIR")).replaceAll("OUT", path("OUT"))
      .replaceAll("FILE", FLIGHT).replaceAll("PORT", String(port));
  }

  function argsOf(doing: Doing, isAbsolute: boolean): string[] {
    if ("cli" in doing) return [CLI, ...doing.cli.split(" ").map((arg) => filled(arg, doing, isAbsolute))];
    const { program, place, other } = doing;
    const at = place === "grpc"
      ? served.url
      : place === "http"
      ? web.url
      : place ?? filled("DIR", doing, isAbsolute);
    return [PROGRAM, program, at, ...(other ? [filled(other, doing, isAbsolute)] : [])];
  }

  it("the table in the docs is what is tested here", () => {
    expect([...table.keys()]).toEqual(Object.keys(ROWS));
  });

  it.each(Object.keys(ROWS))(
    "the flags that the table gives are enough to %s, and none else is asked for",
    async (row) => {
      for (const doing of ROWS[row]) {
        for (const isAbsolute of [true, false]) {
          await fill();
          const flags = table.get(row)!.map((flag) => filled(flag, doing, isAbsolute));
          const { said, asked } = await runDeno(base, flags, argsOf(doing, isAbsolute));
          if ("program" in doing) expect([doing, said]).toEqual([doing, '"done"']);
          else expect([doing, said]).toEqual([doing, expect.not.stringContaining("smalti:")]);
          const beyond = asked.filter((right) => flagFor(flags, base, right) === undefined);
          expect([doing, beyond]).toEqual([doing, []]);
        }
      }
    },
  );

  it.each(Object.keys(ROWS).filter((row) => !row.includes("memory")))(
    "without one of them to %s is PERMISSION_DENIED, which names it",
    async (row) => {
      for (const doing of ROWS[row]) {
        const all = table.get(row)!;
        for (const missing of all) {
          // Serving writes only when it is told to.
          if (row === "serve" && !missing.includes("net")) continue;
          await fill();
          const flags = all.filter((flag) => flag !== missing).map((flag) => filled(flag, doing, true));
          const { said } = await runDeno(base, flags, argsOf(doing, true));
          expect([doing, missing, (await readdir(join(base, "DIR"))).sort()]).toEqual([doing, missing, LEFT]);
          const [name] = missing.split("=");
          expect([doing, missing, said]).toEqual([doing, missing, expect.stringContaining(name)]);
          if ("program" in doing) {
            expect([doing, JSON.parse(said).code]).toEqual([doing, "PERMISSION_DENIED"]);
          } else expect([doing, said]).toEqual([doing, expect.stringContaining("smalti: ")]);
        }
      }
    },
  );

  it("a store that is not there yet is made, and what is above it not looked at", async () => {
    for (const place of ["fresh", join(base, "fresh"), join(base, "fresh", "deep")]) {
      await rm(join(base, "fresh"), { recursive: true, force: true });
      if (place.endsWith("deep")) await mkdir(join(base, "fresh"));
      const flags = [`--allow-read=${place}`, `--allow-write=${place}`];
      const { said, asked } = await runDeno(base, flags, [PROGRAM, "writeAndRead", place]);
      expect(said).toBe('"done"');
      expect(asked.filter((right) => flagFor(flags, base, right) === undefined)).toEqual([]);
    }
  });

  it("a store that can only be read has nothing to recover where all is sound", async () => {
    await fill();
    const recover = (...args: string[]) => runDeno(base, ["--allow-read=DIR"], args);
    expect((await recover(PROGRAM, "recoverSound", "DIR")).said).toBe('"done"');
    expect((await recover(CLI, "recover", "s", "--store", "DIR")).said).toBe("s: nothing to recover");
    const { said } = await recover(PROGRAM, "recover", "DIR");
    expect(JSON.parse(said)).toMatchObject({
      code: "PERMISSION_DENIED",
      message: expect.stringContaining("--allow-write"),
    });
    expect(JSON.parse((await recover(PROGRAM, "recoverGrowing", "DIR")).said).code).toBe("LOCKED");
  });

  it("a program with the right to read and write alone records, is killed, and is recovered by another", async () => {
    const place = join(base, "fresh");
    await rm(place, { recursive: true, force: true });
    const flags = [`--allow-read=${place}`, `--allow-write=${place}`];
    const child = spawn(
      process.execPath,
      ["run", "--no-prompt", "--node-modules-dir=manual", ...flags, PROGRAM, "hold", place],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    expect(String(await new Promise((resolve) => child.stdout.once("data", resolve))).trim()).toBe('"done"');
    const recover = () => runDeno(base, flags, [PROGRAM, "recoverHeld", place]);
    // Its heartbeat says that it lives.
    expect(JSON.parse((await recover()).said).code).toBe("LOCKED");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    process.kill(child.pid!, "SIGKILL");
    await ended;
    // As it is 10 s later.
    await silence(join(place, "held", "sequence.lock"));
    const { said, asked } = await recover();
    expect(said).toBe('"done"');
    expect(asked.filter((right) => flagFor(flags, base, right) === undefined)).toEqual([]);
    expect((await readdir(join(place, "held"))).sort()).toEqual(["a.arrow", "sequence.json"]);
  });
});

describe.skipIf(!hasModel || needsBuild !== "")(`On Node's permission model${notModel}`, () => {
  async function record(directory: string, flags: readonly string[]): Promise<unknown> {
    const program = `
      const { connect, defineOntology, float64 } = await import(${JSON.stringify(library)});
      const client = await connect(${JSON.stringify(directory)});
      try {
        await client.sequenceCreate("Drive", {}, async (sequence) => {
          const topic = await sequence.topicCreate("a", { ontology: defineOntology("V", { value: float64() }) });
          await topic.push({ timestampNs: 1n, data: { value: 1 } });
        });
        console.log(JSON.stringify((await client.recover("Drive")).changed));
      } catch (error) {
        console.log(JSON.stringify(error.code));
      }
      await client.close();`;
    const child = spawn(
      process.execPath,
      ["--permission", "--no-warnings", ...flags, "--input-type=module", "-e", program],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text) => said += text);
    await new Promise((resolve) => child.once("close", resolve));
    return JSON.parse(said);
  }

  it("the store's directory alone to write is enough to record", async () => {
    await inDirectory(async (directory) => {
      const store = join(directory, "store");
      await mkdir(store); // of what is not there Node takes the path for a file's
      const reading = "--allow-fs-read=*";
      expect(await record(store, [reading, `--allow-fs-write=${store}`])).toBe(false);
      expect(await record(join(directory, "other"), [reading])).toBe("PERMISSION_DENIED");
      expect(await readdir(directory)).toEqual(["store"]);
    });
  });
});
