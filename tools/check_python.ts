/**
 * The Python package: types, its own tests, and its wheel, which is installed in a directory of its own and runs the examples of
 * its README. All of it needs the Python that `SMALTI_PYTHON` names; where there is none it is left out, and it says so. That it
 * does what the library does is in `tests/interop/splits.test.ts`.
 *
 * @module
 */
import { deno, mustRun, root } from "./tooling.ts";

const python = Deno.env.get("SMALTI_PYTHON");
const env = { PYTHONDONTWRITEBYTECODE: "1", PIP_DISABLE_PIP_VERSION_CHECK: "1" };

if (python) await check(python);
else console.warn("skipped: SMALTI_PYTHON does not name a Python");

async function check(python: string): Promise<void> {
  const cwd = `${root}/python`;
  const directory = await Deno.makeTempDir({ prefix: "smalti-python-" });
  const quiet = { cwd, env, quiet: true };
  try {
    await mustRun([python, "-m", "mypy", `--cache-dir=${directory}/mypy`], quiet);
    await mustRun(
      [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", `--basetemp=${directory}/pytest`],
      quiet,
    );
    const pip = [python, "-m", "pip"];
    await mustRun(
      [...pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", directory, "."],
      quiet,
    );
    const [wheel] = [...Deno.readDirSync(directory)].filter(({ name }) => name.endsWith(".whl"));
    await mustRun(
      [
        ...pip,
        "install",
        "--no-deps",
        "--no-index",
        `--target=${directory}/site`,
        `${directory}/${wheel.name}`,
      ],
      quiet,
    );
    await checkInstalled(python, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The wheel has all that it should, and the README's examples run on it. */
async function checkInstalled(python: string, directory: string): Promise<void> {
  const flight = `${root}/examples/px4-vtol-flight/flight.mcap`;
  const cli = deno("run", "--no-check", "-A", `${root}/src/cli/main.ts`);
  await mustRun([...cli, "import", flight, "--store", `${directory}/recordings`], { quiet: true });
  const { version } = JSON.parse(await Deno.readTextFile(`${root}/package.json`));
  for (const file of ["smalti/py.typed", `smalti-${version}.dist-info/licenses/LICENSE`]) {
    await Deno.stat(`${directory}/site/${file}`);
  }
  const readme = await Deno.readTextFile(`${root}/python/README.md`);
  const blocks = [...readme.matchAll(/^```python\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
  if (blocks.length === 0) throw new Error("python/README.md has no examples");
  await Deno.writeTextFile(`${directory}/readme.py`, blocks.join("\n"));
  await mustRun([python, "readme.py"], {
    cwd: directory,
    env: { ...env, PYTHONPATH: `${directory}/site` },
    quiet: true,
  });
}
