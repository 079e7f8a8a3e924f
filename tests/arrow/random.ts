export * from "../support/random_tables.ts";
export * from "../support/tables.ts";
