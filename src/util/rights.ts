/** A right as Deno names it. */
export interface Right {
  readonly name: "net" | "read" | "run" | "sys";
  readonly host?: string;
  readonly path?: string;
  readonly kind?: string;
}

/**
 * Whether a program may do something without its user being asked: on Deno, whose terminal would show a question for what is
 * good to have alone. Other runtimes ask nobody.
 */
export function isGranted(right: Right): boolean {
  const { Deno } = globalThis as {
    Deno?: { permissions: { querySync(right: Right): { state: string } } };
  };
  return Deno === undefined || Deno.permissions.querySync(right).state === "granted";
}

/** What a runtime or the system says where a program has not the right to do something. */
const REFUSALS: ReadonlySet<unknown> = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "ERR_ACCESS_DENIED",
  "NotCapable",
  "PermissionDenied",
]);

/** Whether a failure, or what led to it, is the want of a right. */
export function isRefusal(reason: unknown): boolean {
  if (!(reason instanceof Error)) return false;
  const { code, name, cause } = reason as Error & { code?: unknown };
  return REFUSALS.has(code) || REFUSALS.has(name) || isRefusal(cause);
}
