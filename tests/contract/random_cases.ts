export * from "../support/random_cases.ts";
