import { type ErrorCode, SmaltiError } from "../../error.ts";
import { isRefusal } from "../../util/rights.ts";

/** By the system's code. */
const CODES: Record<string, ErrorCode> = {
  ENOENT: "NOT_FOUND",
  ENOTDIR: "NOT_FOUND",
  EEXIST: "ALREADY_EXISTS",
  ENOSPC: "NO_SPACE",
  EDQUOT: "NO_SPACE",
};

/** What the system said of a file, as our error: `Cannot open /data/a.mcap: ...`. `file` is what its details call it. */
export function fileError(reason: unknown, verb: string, path: string, file: string = path): SmaltiError {
  if (reason instanceof SmaltiError) return reason;
  const { code = "", message } = reason as { code?: string; message: string };
  const ours = isRefusal(reason) ? "PERMISSION_DENIED" : CODES[code] ?? "IO";
  return new SmaltiError(ours, `Cannot ${verb} ${path}: ${message}`, {
    file,
    cause: reason,
  });
}
