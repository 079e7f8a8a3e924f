/**
 * The crates' own checks: format, clippy and tests. They need cargo; where there is none they are left out, and it says
 * so: who changes no Rust needs none.
 *
 * @module
 */
import { mustRun, root, run } from "./tooling.ts";

const cwd = `${root}/crates`;
const hasCargo = await run(["cargo", "--version"], { quiet: true }).then(
  ({ code }) => code === 0,
  () => false,
);
if (hasCargo) {
  await mustRun(["cargo", "fmt", "--check"], { cwd, quiet: true });
  await mustRun(["cargo", "clippy", "--quiet", "--all-targets", "--", "-D", "warnings"], {
    cwd,
    quiet: true,
  });
  await mustRun(["cargo", "test", "--quiet", "--release"], { cwd, quiet: true });
} else {
  console.warn("skipped: there is no cargo");
}
