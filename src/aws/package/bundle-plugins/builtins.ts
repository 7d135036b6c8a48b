import { builtinModules } from 'node:module'
import type { Plugin } from 'esbuild'

/** Loaded by their first call: 2 to 4 ms of a start each, for hashes and programs that most functions never need. */
const ON_FIRST_CALL = ['node:crypto', 'node:child_process']

/**
 * Takes Node's own modules by `require`. An `import` of one makes Node read everything that it exports, which
 * loads what is behind it: `import 'node:http'` loads fetch, HTTP/2 and TLS, `import 'node:fs'` the promises
 * and the line reader.
 */
export const lightBuiltins: Plugin = {
  name: 'light-builtins',
  setup(setup) {
    const names = new Set(builtinModules)
    setup.onResolve({ filter: /^[a-z]/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '')
      if (!path.startsWith('node:') && !names.has(path)) return undefined
      if (kind === 'require-call') return { path, external: true }
      return { path: `node:${name}`, namespace: 'builtin' }
    })
    setup.onLoad({ filter: /./, namespace: 'builtin' }, async ({ path }) => ({
      contents: ON_FIRST_CALL.includes(path)
        ? await callsOf(path)
        : `module.exports=require(${JSON.stringify(path)})`,
    }))
  },
}

/** The functions of a module, each of which loads it. Classes and constants are left out, so that using one fails the build. */
async function callsOf(path: string): Promise<string> {
  const module = (await import(path)) as Record<string, unknown>
  return Object.keys(module)
    .filter((name) => typeof module[name] === 'function' && /^[a-z]\w*$/.test(name) && name !== 'default')
    .sort()
    .map((name) => `export const ${name}=(...values)=>require(${JSON.stringify(path)}).${name}(...values)`)
    .join('\n')
}
