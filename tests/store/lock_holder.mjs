/**
 * Takes a lock and says what came of it: `node lock_holder.mjs MODULE DIRECTORY PATH`. Holds it until it is killed or
 * its stdin ends.
 */
import process from "node:process";

const [module, directory, path] = process.argv.slice(2);
const { DirectoryStore } = await import(module);
try {
  await new DirectoryStore(directory).lock(path);
  console.log("locked");
} catch (error) {
  console.log(error.message);
}
process.stdin.resume();
process.stdin.on("end", () => process.exit());
