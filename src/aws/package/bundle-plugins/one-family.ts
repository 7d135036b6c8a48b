import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

/** Puts the family of the packaged model into the start of the function; the files bear the names of their families. */
export const oneFamily = (name: string): Plugin => ({
  name: 'one-family',
  setup(setup) {
    setup.onLoad({ filter: /handler[\\/]packaged-family\.(ts|js)$/ }, ({ path }) => {
      const extension = path.slice(path.lastIndexOf('.'))
      const file = fileURLToPath(new URL(`../../../families/${name}${extension}`, import.meta.url))
      // One that was registered from outside has no file here.
      if (!existsSync(file)) return undefined
      return {
        contents: [
          `import * as module from ${JSON.stringify(file)}`,
          `export const packagedFamily=Object.values(module).find((one)=>one?.name===${JSON.stringify(name)})`,
        ].join('\n'),
      }
    })
  },
})
