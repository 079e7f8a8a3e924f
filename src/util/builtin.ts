/**
 * A module of Node's, which Deno and Bun have too. Where the runtime has none, all that is taken out of it is undefined.
 *
 * Asked for when it is needed, not imported: bundlers for browsers and edge runtimes would look for it in vain, also
 * where no directory is ever opened.
 */
export function builtin<Module extends object>(name: `node:${string}`): Module {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => Module | undefined } };
  return process?.getBuiltinModule?.(name) ?? {} as Module;
}
