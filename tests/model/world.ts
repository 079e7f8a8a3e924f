import { Client } from "../../src/client.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { type ErrorCode, SmaltiError } from "../../src/error.ts";
import { Random } from "../support/random_cases.ts";
import { ControlledStore, type Faults } from "./controlled_store.ts";
import { Disk } from "./disk.ts";
import { Expected, type Session } from "./expected.ts";
import { type Owner, Scheduler } from "./scheduler.ts";

const engine = createJsEngine();

/** Of the seeds of `model.test.ts` that found something none has replacements by it. */
const REPLACES = 2065;

/** What a call came to. */
export type Outcome<T> = { ok: true; value: T } | {
  ok: false;
  code: ErrorCode | "thrown";
};

/** A program with a client of its own. */
export interface Process {
  readonly owner: Owner;
  readonly store: ControlledStore;
  readonly client: Client;
  /** Those who act in it: they die with it. */
  readonly actors: Actor[];
  /** Sessions that it writes. */
  readonly sessions: Set<Session>;
  isClosing: boolean;
}

/** What all that happens in a case happens in. */
export class World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly disk: Disk;
  readonly expected: Expected = new Expected();
  readonly faults: Faults = { oneIn: 1, left: 0, done: 0 };
  readonly processes: Process[] = [];
  readonly names: readonly string[];
  /** Whether what is created may take the place of what is there. */
  readonly replaces: boolean;
  /** What was found to be wrong. */
  readonly failures: string[] = [];
  /** Calls that have not ended, by what they are. */
  readonly pending = new Map<object, { label: string; process: Process }>();
  /** Whether pushing and ending is to wait: what was flushed must come to followers meanwhile. */
  isQuiet = false;
  /** Whether actors are to end what they do. */
  isEnding = false;
  /** Whether a process died. */
  hadCrash = false;
  /** Whether the power was lost. */
  hadPowerLoss = false;
  #withheld: (() => void)[] = [];
  #actors = 0;
  readonly #seed: number;

  constructor(seed: number, trace: string[] | undefined) {
    this.#seed = seed;
    this.random = new Random(seed);
    this.scheduler = new Scheduler(new Random(seed ^ 0x5bd1e995), trace);
    this.names = this.random.oneIn(3) ? ["Drive", "drive"] : ["drive"];
    // Of a stream of its own: the cases without are as they were before there were replacements.
    this.replaces = new Random(seed ^ REPLACES).oneIn(3);
    this.disk = new Disk(
      this.random.oneIn(2),
      () => this.scheduler.step,
      (what) => this.accuse(what),
    );
  }

  /** Notes that something is wrong. */
  accuse(what: string): void {
    this.failures.push(what);
    this.scheduler.note("FAILURE", what);
  }

  start(isQuiet = false): Process {
    const owner: Owner = {
      name: `process ${this.processes.length}`,
      stalledUntil: 0,
      dead: false,
    };
    const store = new ControlledStore(
      this.disk,
      this.scheduler,
      owner,
      this.faults,
      isQuiet,
    );
    const client = new Client(new EmbeddedBackend(store, engine));
    const process = {
      owner,
      store,
      client,
      actors: [],
      sessions: new Set<Session>(),
      isClosing: false,
    };
    this.processes.push(process);
    return process;
  }

  /** Ends processes in the midst of what they do; with the power what is not durable may be lost. */
  crash(processes: readonly Process[], losesPower: boolean): void {
    this.hadCrash = true;
    this.hadPowerLoss ||= losesPower;
    this.scheduler.note(
      "CRASH",
      `${processes.map(({ owner }) => owner.name)} ${losesPower ? "power" : ""}`,
    );
    this.scheduler.kill(
      new Set(
        processes.flatMap(({ owner, actors }) => [
          owner,
          ...actors.map((a) => a.owner),
        ]),
      ),
    );
    for (const { owner, sessions } of processes) {
      this.disk.release(owner.name);
      this.expected.die(owner.name, sessions, this.scheduler.step);
    }
    if (losesPower) this.disk.losePower(this.scheduler.random);
  }

  /** Somebody who acts in a process. Those who are not `patient` wait where all is to be quiet. */
  actor(process: Process, name: string, isPatient = false): Actor {
    const actor = new Actor(
      this,
      process,
      name,
      isPatient,
      new Random(this.#seed + 7919 * ++this.#actors),
    );
    process.actors.push(actor);
    return actor;
  }

  /** Runs a call; accuses it of errors of other codes than these. */
  async call<T>(
    process: Process,
    label: string,
    codes: readonly ErrorCode[],
    action: () => Promise<T> | T,
  ): Promise<Outcome<T>> {
    const key = {};
    this.pending.set(key, { label, process });
    try {
      this.scheduler.note(process.owner.name, `calls ${label}`);
      const value = await action();
      this.scheduler.note(process.owner.name, `${label} is done`);
      return { ok: true, value };
    } catch (reason) {
      const isKnown = reason instanceof SmaltiError;
      this.scheduler.note(
        process.owner.name,
        `${label} fails: ${(reason as Error)?.message}`,
      );
      if (reason instanceof Thrown) return { ok: false, code: "thrown" };
      const allowed = isKnown && (codes.includes(reason.code) ||
        this.faults.done > 0 &&
          (reason.code === "IO" || reason.code === "NO_SPACE"));
      if (!allowed) {
        const text = isKnown ? reason.message : (reason as Error)?.stack ?? String(reason);
        this.accuse(`error: ${label} failed with ${text}`);
      }
      return { ok: false, code: isKnown ? reason.code : "INTERNAL" };
    } finally {
      this.pending.delete(key);
    }
  }

  withhold(resolve: () => void): void {
    this.#withheld.push(resolve);
  }

  /**
   * Codes with which reading may fail where a disk failed: a topic that could not be written to its end has no footer until
   * it is recovered, and what a failed sync left may be lost with the power.
   */
  get damage(): ErrorCode[] {
    if (this.faults.done + this.faults.left === 0) return [];
    return this.hadPowerLoss ? ["CORRUPT", "NOT_FOUND"] : ["CORRUPT"];
  }

  /** Lets those go on who waited. */
  endQuiet(): void {
    this.isQuiet = false;
    for (const resolve of this.#withheld.splice(0)) resolve();
  }
}

/** What callbacks throw to be given up. */
export class Thrown extends Error {}

/** Somebody who does one thing after another. */
export class Actor {
  readonly world: World;
  readonly process: Process;
  readonly owner: Owner;
  /** Its own, so that what others do changes nothing in what it decides. */
  readonly random: Random;
  readonly #isPatient: boolean;

  constructor(
    world: World,
    process: Process,
    name: string,
    isPatient: boolean,
    random: Random,
  ) {
    this.world = world;
    this.process = process;
    this.owner = {
      name: `${name} of ${process.owner.name}`,
      stalledUntil: 0,
      dead: false,
    };
    this.random = random;
    this.#isPatient = isPatient;
  }

  /** Waits for its turn, after some time. */
  turn(delayMs = 0): Promise<void> {
    const { scheduler } = this.world;
    return new Promise((resolve) => {
      const run = () => {
        if (this.world.isQuiet && !this.#isPatient) {
          this.world.withhold(() => void this.turn().then(resolve));
        } else resolve();
      };
      scheduler.add(
        { owner: this.owner, label: "goes on", run },
        this.world.isEnding ? 0 : delayMs,
      );
    });
  }

  call<T>(
    label: string,
    codes: readonly ErrorCode[],
    action: () => Promise<T> | T,
  ): Promise<Outcome<T>> {
    return this.world.call(this.process, label, codes, action);
  }
}
