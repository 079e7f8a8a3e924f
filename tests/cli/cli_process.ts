export * from "../support/cli_process.ts";
