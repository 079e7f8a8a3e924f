export * from "../support/errors.ts";
export * from "../support/from_arrow.ts";
export type { StoreCall } from "../support/pass_through_store.ts";
export * from "../support/places.ts";
export * from "../support/sample_rows.ts";
export * from "../support/waiting.ts";
export * from "../support/watched_store.ts";
