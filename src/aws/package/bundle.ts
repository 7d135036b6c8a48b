/**
 * The handler and all JavaScript that it needs as one file and a few chunks that load on demand. One file
 * instead of some hundred saves about a tenth of a second at every cold start.
 */
import { isBuiltin } from 'node:module'
import { basename, relative } from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { BoxletError } from '../../errors.ts'
import type { Architecture } from './architecture.ts'
import { foldStart } from './fold-start.ts'
import { lightBuiltins } from './light-builtins.ts'
import { nativeLibraries } from './native-libraries.ts'
import { type NpmPackage, npmPackages } from './npm-packages.ts'
import { handlerFile, PACKAGE_ROOT } from './package-root.ts'
import type { PackageFile } from './zip.ts'

export interface Bundle {
  files: PackageFile[]
  /** The npm packages inside, for notices and the bill of materials. */
  packages: NpmPackage[]
}

/** CommonJS inside an ES module needs a require of its own. */
const REQUIRE = "const require=process.getBuiltinModule('node:module').createRequire(import.meta.url);"

/** What fetches models of the catalogue: the model of a function is packaged or in S3, so nothing asks for them. */
const CLIENT_OF_NPM = ['npm-registry-fetch', '@npmcli/*', 'tar']

export async function bundleHandler(arch: Architecture): Promise<Bundle> {
  const common = {
    absWorkingDir: PACKAGE_ROOT,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
    // Chooses what stands in for a heavier module in a function; src/package.json has both sides of each choice.
    conditions: ['boxlet-lambda'],
    external: ['@aws-sdk/*', './native/*.node', ...CLIENT_OF_NPM],
  } as const satisfies BuildOptions
  try {
    const split = await build({
      ...common,
      entryPoints: { index: handlerFile('index') },
      outdir: 'bundle',
      outExtension: { '.js': '.mjs' },
      splitting: true,
      plugins: [nativeLibraries(arch)],
    })
    const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
    const folded = await foldStart(
      {
        files: new Map(split.outputFiles.map(({ path, text }) => [basename(path), text])),
        outputs: new Map(
          Object.entries(split.metafile.outputs).map(([path, output]) => [nameOf(path), output]),
        ),
        onDemand: importedOnDemand(split.metafile, handlerFile('start')),
      },
      { ...common, minify: true, banner: { js: REQUIRE } },
    )
    return {
      files: folded.map(({ name, text, imports }) => {
        const builtins = imports.filter(({ kind, path }) => kind === 'import-statement' && isBuiltin(path))
        return { name, bytes: Buffer.from(lightBuiltins(text, REQUIRE, builtins.length)) }
      }),
      packages: npmPackages(Object.keys(split.metafile.inputs)),
    }
  } catch (cause) {
    throw new BoxletError('INTERNAL', 'Expected the handler to bundle but the bundler refused it.', {
      cause,
      hint: 'Run npm install again; a dependency of Boxlet is missing or damaged.',
    })
  }
}

/** Modules that a file of ours imports on demand, by the names that the bundler has for them. */
function importedOnDemand({ inputs }: Metafile, file: string): string[] {
  const input = inputs[relative(PACKAGE_ROOT, file).replaceAll('\\', '/')]
  return (input?.imports ?? []).filter(({ kind }) => kind === 'dynamic-import').map(({ path }) => path)
}
