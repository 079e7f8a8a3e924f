/**
 * Takes a lock and says what came of it: `node lock_holder.mjs MODULE DIRECTORY PATH [nobody]`, the last to do it as a
 * user who may do nothing here. Holds it until it is killed or its stdin ends.
 */
import process from "node:process";

const [module, directory, path, user] = process.argv.slice(2);
const { DirectoryStore } = await import(module);
if (user) {
  process.setgid(65534);
  process.setuid(65534);
}
try {
  await new DirectoryStore(directory).lock(path);
  console.log("locked");
} catch (error) {
  console.log(error.message);
}
process.stdin.resume();
process.stdin.on("end", () => process.exit());
