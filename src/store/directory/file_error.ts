import { type ErrorCode, SmaltiError } from "../../error.ts";

/** By the system's code, or by the name of Deno's error where the runtime itself does not permit it. */
const CODES: Record<string, ErrorCode> = {
  ENOENT: "NOT_FOUND",
  ENOTDIR: "NOT_FOUND",
  EEXIST: "ALREADY_EXISTS",
  EACCES: "PERMISSION_DENIED",
  EPERM: "PERMISSION_DENIED",
  EROFS: "PERMISSION_DENIED",
  NotCapable: "PERMISSION_DENIED",
  PermissionDenied: "PERMISSION_DENIED",
  ENOSPC: "NO_SPACE",
  EDQUOT: "NO_SPACE",
};

/** What a file system fails with, as the failure of something that was done with a file. */
export function fileError(reason: unknown, verb: string, absolute: string, path: string): SmaltiError {
  if (reason instanceof SmaltiError) return reason;
  const { code = "", name, message } = reason as { code?: string; name: string; message: string };
  const text = `Cannot ${verb} ${absolute}: ${message}`;
  return new SmaltiError(CODES[code] ?? CODES[name] ?? "IO", text, { file: path, cause: reason });
}
