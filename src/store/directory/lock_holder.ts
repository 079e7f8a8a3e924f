/**
 * Who holds a lock, as its file says, and whether they live.
 *
 * @module
 */
import type * as Fs from "node:fs";
import type * as Os from "node:os";
import type * as Process from "node:process";
import { builtin } from "../../util/builtin.ts";
import { isGranted } from "../../util/rights.ts";

// Empty where there are no files, and so no locks on them.
const { readFileSync, readlinkSync } = builtin<typeof Fs>("node:fs");
const { hostname } = builtin<typeof Os>("node:os");
const { kill, pid } = builtin<typeof Process>("node:process");

/** How long a silent holder counts as alive where nothing else tells, in milliseconds. */
export const SILENCE_MS = 10_000;

/** What a lock says of its holder. All but the process number may be unknown. */
export interface Holder {
  host?: string;
  pid?: number;
  /** When the process started: the boot's id, and the kernel's ticks since, as `BOOT/TICKS`. */
  started?: string;
  /** What its number is counted in; version 0.1 did not say. */
  pidNamespace?: string;
  /** Tells this lock from all others. */
  id?: string;
}

/** What is cut while being written, or no lock at all, tells nothing of its holder. */
export function parseHolder(text: string): Holder {
  let holder: Record<string, unknown>;
  try {
    holder = Object(JSON.parse(text));
  } catch {
    return {};
  }
  const textOf = (key: string) => typeof holder[key] === "string" ? { [key]: holder[key] } : {};
  return {
    ...textOf("host"),
    ...textOf("started"),
    ...textOf("pidNamespace"),
    ...textOf("id"),
    ...(Number.isInteger(holder.pid) && (holder.pid as number) > 0 && { pid: holder.pid as number }),
  };
}

/** The holder as messages name them. */
export function nameOf({ host, pid }: Holder): string {
  return `process ${pid ?? "unknown"} on ${host ?? "an unknown host"}`;
}

/** Whether a holder lives whose lock was last changed then. */
export function isAlive(holder: Holder, heartbeatMs: number): boolean {
  return isRunning(holder) ?? Date.now() - heartbeatMs < SILENCE_MS;
}

/** Whether the holder's process runs; undefined where that cannot be told from here. */
function isRunning({ pid, started, pidNamespace }: Holder): boolean | undefined {
  const self = describeSelf();
  if (!pid || !started || !self.started || bootOf(started) !== bootOf(self.started)) return undefined;
  if (pidNamespace !== self.pidNamespace) {
    // The number may mean another process there, unless this one started at the very same moment.
    return pidNamespace === undefined && startOf(pid) === started ? true : undefined;
  }
  if (!isGranted({ name: "run" })) return undefined;
  try {
    kill(pid, 0);
  } catch (reason) {
    const { code } = reason as { code?: string };
    if (code === "ESRCH") return false;
    // EPERM: another user's. Else the system does not let us ask.
    if (code !== "EPERM") return undefined;
  }
  // The number may have been given to another process since.
  const now = startOf(pid);
  return now === undefined || now === started;
}

/** This process, as far as the system and the runtime's permissions tell. */
export function describeSelf(): Holder {
  const host = isGranted({ name: "sys", kind: "hostname" }) ? known(hostname) : undefined;
  const pidNamespace = fromProc("/proc/self/ns/pid", readlinkSync);
  // Where /proc counts in another namespace than this process, its numbers are not ours.
  const stat = fromProc("/proc/self/stat", readText);
  const started = pidNamespace && stat?.startsWith(`${pid} `) ? startOf(pid) : undefined;
  return {
    ...(host !== undefined && { host }),
    pid,
    ...(started !== undefined && { started, pidNamespace }),
  };
}

/** What is at a path below /proc; undefined where the system has it not, or the runtime does not permit it. */
function fromProc(path: string, read: (path: string) => string): string | undefined {
  return isGranted({ name: "read", path }) ? known(() => read(path)) : undefined;
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}

function known<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/**
 * When a process started: the boot, and the kernel's ticks since (proc_pid_stat(5), field 22). A process that a machine
 * starts at every boot may have the same number each time. Undefined where /proc is not; "ended" for one that nobody has
 * waited for since it ended (state Z).
 */
function startOf(pid: number): string | undefined {
  const text = fromProc(`/proc/${pid}/stat`, readText);
  const boot = fromProc("/proc/sys/kernel/random/boot_id", readText)?.trim();
  if (text === undefined || boot === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "ended" : `${boot}/${fields[19]}`;
}

function bootOf(started: string): string {
  return started.slice(0, started.indexOf("/"));
}
