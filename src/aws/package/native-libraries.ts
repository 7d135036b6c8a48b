import { readFile } from 'node:fs/promises'
import type { OnLoadResult, Plugin } from 'esbuild'
import { PLAIN_STEPS, plainPipelines, REDUCTION } from '../function/stand-ins/plain-pipeline.ts'
import type { Architecture } from './architecture.ts'
import { NATIVE_PARTS } from './native-parts.ts'
import { PACKAGE_ROOT } from './package-root.ts'

type Loaded = Pick<OnLoadResult, 'contents' | 'resolveDir'>

/** Points the loaders of native libraries, which search by the machine that they run on, to the target's files. */
export function nativeLibraries(arch: Architecture): Plugin {
  const library = (folder: string): string => {
    const part = NATIVE_PARTS[arch].find(
      ({ target }) => target.startsWith(folder) && target.endsWith('.node'),
    )
    return JSON.stringify(`./${part!.target}`)
  }
  const sharp = library('native/sharp-linux-')
  const runtime = library('native/onnxruntime/')
  return {
    name: 'native-libraries',
    setup(setup) {
      const unmet = new Set<string>()
      /** Puts another text in the place of a module. A rule that nothing meets is a fault, and no rule at all. */
      const replace = (
        what: string,
        filter: RegExp,
        load: (path: string) => Promise<Loaded> | Loaded,
      ): void => {
        unmet.add(what)
        setup.onLoad({ filter }, ({ path }) => {
          unmet.delete(what)
          return load(path)
        })
      }
      // All stay calls of require, which the banner defines; all chunks lie at the root of the zip.
      setup.onResolve({ filter: /^\.\/native\/.*\.node$/ }, ({ path }) => ({ path, external: true }))
      replace('sharp', /sharp[\\/]dist[\\/]sharp\.mjs$/, () => ({
        contents: `export default require(${sharp})`,
      }))
      // What sharp would hand to its native half, asked of it now instead of at every start.
      setup.onResolve({ filter: /^#plain-pipeline$/ }, ({ path }) => ({ path, namespace: 'plain-pipeline' }))
      setup.onLoad({ filter: /./, namespace: 'plain-pipeline' }, () => ({
        contents: [
          `export const PLAIN_STEPS=${JSON.stringify(PLAIN_STEPS)}`,
          `export const REDUCTION=${JSON.stringify(REDUCTION)}`,
          `export const plainPipelines=()=>(${JSON.stringify(plainPipelines())})`,
          `export const openBinding=()=>require(${sharp})`,
        ].join('\n'),
      }))
      // A dynamic import of CommonJS gives Node the names inside; a bundler gives the default only.
      setup.onResolve({ filter: /^onnxruntime-node$/ }, ({ namespace }) =>
        namespace === 'named' ? undefined : { path: 'onnxruntime-node', namespace: 'named' },
      )
      setup.onLoad({ filter: /./, namespace: 'named' }, () => ({
        contents: `export{InferenceSession,Tensor,env}from'onnxruntime-node';`,
        resolveDir: PACKAGE_ROOT,
      }))
      replace('the runtime', /onnxruntime-node[\\/]dist[\\/]binding\.js$/, async (path) => {
        const source = await readFile(path, 'utf8')
        const search = /require\(`\.\.\/bin\/napi-v6\/[^`]+`\)/
        if (!search.test(source)) {
          throw new Error('onnxruntime-node loads its library in another way')
        }
        return { contents: source.replace(search, `require(${runtime})`) }
      })
      setup.onEnd(() =>
        unmet.size === 0
          ? {}
          : { errors: [{ text: `Expected a module that loads ${[...unmet].join(', ')} but found none.` }] },
      )
    },
  }
}
