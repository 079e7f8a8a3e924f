import { SmaltiError } from "./error.ts";

/**
 * UNSUPPORTED: what was wanted needs an npm package that is not installed, or not handed in. The text says what to install,
 * and what to do `then`.
 */
export function missingPackage(
  action: string,
  name: string,
  { then, cause }: { then?: string; cause?: unknown } = {},
): SmaltiError {
  const steps = [`npm install ${name}`, ...(then === undefined ? [] : [then])].join(", and ");
  return new SmaltiError("UNSUPPORTED", `Cannot ${action} without the package ${name}: ${steps}`, { cause });
}
