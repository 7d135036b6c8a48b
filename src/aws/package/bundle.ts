/**
 * The handler and all JavaScript that it needs as one file and a few chunks that load on demand. One file
 * instead of some hundred saves about a tenth of a second at every cold start.
 */
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile, type Plugin } from 'esbuild'
import { BoxletError } from '../../errors.ts'
import type { Architecture } from './architecture.ts'
import { NATIVE_PARTS } from './native-parts.ts'
import type { PackageFile } from './zip.ts'

export interface Bundle {
  files: PackageFile[]
  /** Names and versions of the npm packages inside, for the notice file. */
  packages: string[]
}

/** Root of this package; paths inside the bundle are relative to it, so that they are the same everywhere. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** The same expression finds TypeScript in a checkout under test and JavaScript in a build. */
const handlerFile = (name: string): string => {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  return fileURLToPath(new URL(`../handler/${name}${extension}`, import.meta.url))
}

export async function bundleHandler(arch: Architecture): Promise<Bundle> {
  const entry = handlerFile('index')
  try {
    const result = await build({
      absWorkingDir: ROOT,
      entryPoints: { index: entry },
      outdir: 'bundle',
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      minify: true,
      legalComments: 'none',
      metafile: true,
      write: false,
      logLevel: 'silent',
      // CommonJS inside an ES module needs a require of its own.
      banner: {
        js: "import{createRequire as boxletRequire}from'node:module';const require=boxletRequire(import.meta.url);",
      },
      external: ['@aws-sdk/*'],
      plugins: [nativeLibraries(arch), withoutUnused],
    })
    return {
      files: result.outputFiles.map((file) => ({
        name: relative(join(ROOT, 'bundle'), file.path).split(sep).join('/'),
        bytes: file.contents,
      })),
      packages: packagesOf(result.metafile),
    }
  } catch (cause) {
    throw new BoxletError('INTERNAL', 'Expected the handler to bundle but the bundler refused it.', {
      cause,
      hint: 'Run npm install again; a dependency of Boxlet is missing or damaged.',
    })
  }
}

/** Points the two loaders of native libraries to the target's files, where they search by the machine. */
function nativeLibraries(arch: Architecture): Plugin {
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
      // A dynamic import of CommonJS gives Node the names inside; a bundler gives the default only.
      setup.onResolve({ filter: /^onnxruntime-node$/ }, ({ namespace }) =>
        namespace === 'named' ? undefined : { path: 'onnxruntime-node', namespace: 'named' },
      )
      setup.onLoad({ filter: /^onnxruntime-node$/, namespace: 'named' }, () => ({
        contents: `export{InferenceSession,Tensor,env}from'onnxruntime-node';`,
        resolveDir: ROOT,
      }))
      setup.onLoad({ filter: /onnxruntime-node[\\/]dist[\\/]binding\.js$/ }, async (file) => {
        const source = await readFile(file.path, 'utf8')
        const search = /require\(`\.\.\/bin\/napi-v6\/[^`]+`\)/
        if (!search.test(source)) throw new Error('onnxruntime-node loads its library in another way')
        return { contents: source.replace(search, `require(${runtime})`) }
      })
    },
  }
}

/** Parts that are imported but never reached in a function, and would be half of its JavaScript. */
const withoutUnused: Plugin = {
  name: 'without-unused',
  setup(setup) {
    // A function never fetches models from registries: its model is packaged or in S3.
    setup.onLoad({ filter: /model[\\/]sources[\\/](npm|https)\.(ts|js)$/ }, () => ({
      contents: `const no=()=>{throw new Error('not in a Lambda package')};export{no as readNpm,no as readHttps};`,
    }))
    // A class map beside a model in S3 is JSON or lines.
    setup.onResolve({ filter: /^yaml$/ }, () => ({ path: 'yaml', namespace: 'unused' }))
    setup.onLoad({ filter: /^yaml$/, namespace: 'unused' }, () => ({
      contents: `export const parse=()=>{throw new Error('not in a Lambda package')};`,
    }))
    // TFLite models become ONNX when they are packaged.
    setup.onLoad({ filter: /model[\\/]tflite[\\/]tflite\.(ts|js)$/ }, () => ({
      contents: `export const tfliteToOnnx=()=>{throw new Error('not in a Lambda package')};`,
    }))
    // Schemas are built when the first value is parsed; `require` of a module delays it until then.
    const isOurs = /[\\/](src|dist)[\\/](api|model)[\\/]/
    setup.onResolve({ filter: /^zod$/ }, ({ importer, namespace }) =>
      namespace === 'file' && isOurs.test(importer) ? { path: 'zod', namespace: 'lazy' } : undefined,
    )
    setup.onLoad({ filter: /^zod$/, namespace: 'lazy' }, () => ({
      contents: `import{z,useZod}from${JSON.stringify(handlerFile('lazy-zod'))};useZod(()=>require('zod-used'));export{z};`,
      resolveDir: ROOT,
    }))
    // Only the builders that our schemas name: the rest of the library is three quarters of it.
    setup.onResolve({ filter: /^zod-used$/ }, () => ({ path: 'zod-used', namespace: 'lazy' }))
    setup.onLoad({ filter: /^zod-used$/, namespace: 'lazy' }, async () => ({
      contents: `export{${(await zodNames()).join(',')}}from'zod';`,
      resolveDir: ROOT,
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
    const folder = fileURLToPath(new URL(`../../${room}/`, import.meta.url))
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/(?<!\.test|\.d)\.(ts|js)$/.test(entry.name)) continue
      const text = await readFile(join(entry.parentPath, entry.name), 'utf8')
      if (/from 'zod'/.test(text)) for (const [, name] of text.matchAll(/\bz\s*\.(\w+)/g)) names.add(name!)
    }
  }
  // Types and namespaces of types are gone by the time that this runs.
  return [...names].filter((name) => /^[a-z]/.test(name) && name !== 'infer').sort()
}

function packagesOf(metafile: Metafile): string[] {
  const require = createRequire(import.meta.url)
  const found = new Set<string>()
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(input)
    if (match === null) continue
    const manifest = join(ROOT, match[1]!, 'package.json')
    const { name, version, license } = require(manifest) as {
      name: string
      version: string
      license?: string
    }
    found.add(`${name}@${version} ${license ?? 'unknown'}`)
  }
  return [...found].sort()
}
