import { readFile } from 'node:fs/promises'
import type { Plugin } from 'esbuild'
import { PLAIN_STEPS, plainPipelines, REDUCTION } from '../../function/stand-ins/plain-pipeline.ts'
import type { Architecture } from '../architecture.ts'
import { NATIVE_PARTS } from '../native-parts.ts'
import { handlerFile, PACKAGE_ROOT } from '../package-root.ts'

/** Points the two loaders of native libraries to the target's files, where they search by the machine. */
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
      // Both stay calls of require, which the banner defines; all chunks lie at the root of the zip.
      setup.onResolve({ filter: /^\.\/native\/.*\.node$/ }, ({ path }) => ({ path, external: true }))
      setup.onLoad({ filter: /sharp[\\/]dist[\\/]sharp\.mjs$/ }, () => ({
        contents: `export default require(${sharp})`,
      }))
      // Pictures are decoded through the native half of sharp alone; drawing on them takes all of it.
      setup.onResolve({ filter: /[\\/]load-sharp\.(ts|js)$/ }, ({ importer }) =>
        /decode[\\/]decode\.(ts|js)$/.test(importer)
          ? { path: handlerFile('stand-ins/light-sharp') }
          : undefined,
      )
      setup.onLoad({ filter: /stand-ins[\\/]plain-pipeline\.(ts|js)$/ }, () => ({
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
      setup.onLoad({ filter: /^onnxruntime-node$/, namespace: 'named' }, () => ({
        contents: `export{InferenceSession,Tensor,env}from'onnxruntime-node';`,
        resolveDir: PACKAGE_ROOT,
      }))
      setup.onLoad({ filter: /onnxruntime-node[\\/]dist[\\/]binding\.js$/ }, async (file) => {
        const source = await readFile(file.path, 'utf8')
        const search = /require\(`\.\.\/bin\/napi-v6\/[^`]+`\)/
        if (!search.test(source)) {
          throw new Error('onnxruntime-node loads its library in another way')
        }
        return { contents: source.replace(search, `require(${runtime})`) }
      })
    },
  }
}
