import { type ErrorCode, SmaltiError } from "../../error.ts";

const STATUSES: Partial<Record<ErrorCode, number>> = {
  PERMISSION_DENIED: 403,
  // Not 401: the page has its own token.
  UNAUTHENTICATED: 403,
  UNSUPPORTED: 403,
  UNAVAILABLE: 503,
  NO_SPACE: 507,
};

/** What a failure of the store is to the page, as a status of HTTP. */
export function failureStatus(reason: unknown): number {
  return (reason instanceof SmaltiError && STATUSES[reason.code]) || 500;
}
