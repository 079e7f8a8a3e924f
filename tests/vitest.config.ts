import { fileURLToPath } from "node:url";

export default {
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    // For whole recordings and property tests on a busy machine; as given to bun test.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
};
