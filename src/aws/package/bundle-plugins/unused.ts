import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'
import { handlerFile, PACKAGE_ROOT } from '../package-root.ts'

/** Parts that are imported but never reached in a function, and would be half of its JavaScript. */
export const withoutUnused: Plugin = {
  name: 'without-unused',
  setup(setup) {
    // A function never fetches models from registries: its model is packaged or in S3.
    setup.onLoad({ filter: /store[\\/]sources[\\/](npm|https)\.(ts|js)$/ }, () => ({
      contents: `const no=()=>{throw new Error('not in a Lambda package')};export{no as readNpm,no as readHttps};`,
    }))
    // A class map beside a model in S3 is JSON or lines.
    setup.onResolve({ filter: /^yaml$/ }, () => ({ path: 'yaml', namespace: 'unused' }))
    setup.onLoad({ filter: /^yaml$/, namespace: 'unused' }, () => ({
      contents: `export const parse=()=>{throw new Error('not in a Lambda package')};`,
    }))
    // TFLite models become ONNX when they are packaged.
    setup.onLoad({ filter: /(src|dist)[\\/]tflite[\\/]tflite\.(ts|js)$/ }, () => ({
      contents: `export const tfliteToOnnx=()=>{throw new Error('not in a Lambda package')};`,
    }))
    // Schemas are built when the first value is parsed; `require` of a module delays it until then.
    const isOurs = /[\\/](src|dist)[\\/](api|model)[\\/]/
    setup.onResolve({ filter: /^zod$/ }, ({ importer, namespace }) =>
      namespace === 'file' && isOurs.test(importer) ? { path: 'zod', namespace: 'lazy' } : undefined,
    )
    setup.onLoad({ filter: /^zod$/, namespace: 'lazy' }, () => ({
      contents: `import{z,useZod}from${JSON.stringify(handlerFile('stand-ins/lazy-zod'))};useZod(()=>require('zod-used'));export{z};`,
      resolveDir: PACKAGE_ROOT,
    }))
    // Only the builders that our schemas name: the rest of the library is three quarters of it.
    setup.onResolve({ filter: /^zod-used$/ }, () => ({ path: 'zod-used', namespace: 'lazy' }))
    setup.onLoad({ filter: /^zod-used$/, namespace: 'lazy' }, async () => ({
      contents: `export{${(await zodNames()).join(',')}}from'zod';`,
      resolveDir: PACKAGE_ROOT,
    }))
    // sharp asks which system it is on and whether its libraries fit; for the target both are settled.
    setup.onLoad({ filter: /node_modules[\\/]semver[\\/]index\.js$/ }, () => ({
      contents: `const yes=()=>true;module.exports={coerce:(version)=>({version}),satisfies:yes,gte:yes};`,
    }))
    setup.onLoad({ filter: /node_modules[\\/]detect-libc[\\/]lib[\\/]detect-libc\.js$/ }, () => ({
      contents: `const glibc=()=>'glibc';module.exports={isNonGlibcLinuxSync:()=>false,familySync:glibc,versionSync:()=>'2.34'};`,
    }))
    // Messages in forty languages; ours are in one and made elsewhere.
    setup.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: `export{default as en}from'./en.js';`,
      loader: 'js',
    }))
  },
}

/** What follows `z.` in the modules that build schemas for the application. */
async function zodNames(): Promise<string[]> {
  const names = new Set<string>()
  for (const room of ['api', 'model']) {
    const folder = fileURLToPath(new URL(`../../../${room}/`, import.meta.url))
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/(?<!\.test|\.d)\.(ts|js)$/.test(entry.name)) {
        continue
      }
      const text = await readFile(join(entry.parentPath, entry.name), 'utf8')
      if (/from 'zod'/.test(text)) {
        for (const [, name] of text.matchAll(/\bz\s*\.(\w+)/g)) {
          names.add(name!)
        }
      }
    }
  }
  // Types and namespaces of types are gone by the time that this runs.
  return [...names].filter((name) => /^[a-z]/.test(name) && name !== 'infer').sort()
}
