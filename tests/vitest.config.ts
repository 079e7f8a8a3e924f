import { fileURLToPath } from "node:url";

// Vitest's report of what failed needs it, and Node 20 has it not.
Map.groupBy ??= (items, keyOf) => {
  const groups = new Map();
  let i = 0;
  for (const item of items) {
    const key = keyOf(item, i++);
    groups.set(key, [...groups.get(key) ?? [], item]);
  }
  return groups;
};

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
