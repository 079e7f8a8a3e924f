/**
 * Wants many locks, one after another, at the same moments as other processes: `node lock_takers.mjs MODULE DIRECTORY
 * ROUNDS PROCESSES NUMBER`. Says which it got, as JSON, and keeps them until its stdin ends.
 */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

const [module, directory, rounds, processes, number] = process.argv.slice(2);
const { DirectoryStore } = await import(module);
const stores = [new DirectoryStore(directory), new DirectoryStore(directory)];
const got = [];
for (let round = 0; round < Number(rounds); round++) {
  // All wait for the last, each in its own pace.
  await writeFile(join(directory, "meetings", `${round}-${number}`), "");
  const isMissing = async () => {
    const names = await readdir(join(directory, "meetings"));
    return names.filter((name) => name.startsWith(`${round}-`)).length <
      Number(processes);
  };
  while (await isMissing()) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(stores.map(async (store) => {
    try {
      await store.lock(`${round}/lock`);
      got.push(round);
    } catch (error) {
      if (error.code !== "LOCKED") throw error;
    }
  }));
}
console.log(JSON.stringify(got));
process.stdin.resume();
process.stdin.on("end", () => process.exit());
