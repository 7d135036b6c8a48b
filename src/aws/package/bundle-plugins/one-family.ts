import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

/** Puts the family of the packaged model into the start of the function; the files bear the names of their families. */
export const oneFamily = (name: string): Plugin => ({
  name: 'one-family',
  setup(setup) {
    setup.onLoad({ filter: /stand-ins[\\/]packaged-family\.(ts|js)$/ }, ({ path }) => {
      const extension = path.slice(path.lastIndexOf('.'))
      const families = fileURLToPath(new URL('../../../families/', import.meta.url))
      const files = readdirSync(families, { recursive: true, encoding: 'utf8' })
      const found = files.find((path) => basename(path) === `${name}${extension}`)
      // One that was registered from outside has no file here.
      if (found === undefined) {
        return undefined
      }
      const file = join(families, found)
      return {
        contents: [
          `import * as module from ${JSON.stringify(file)}`,
          `export const packagedFamily=Object.values(module).find((one)=>one?.name===${JSON.stringify(name)})`,
        ].join('\n'),
      }
    })
  },
})
