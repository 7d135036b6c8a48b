/**
 * A bundler that splits code for lazy loading makes one file of whatever two parts have in common: two dozen small
 * files that every start loads, at a quarter of a millisecond each, with all their paths resolved. Here those are
 * folded into one.
 */
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'

export interface SplitBundle {
  /** Text by name, as the bundler wrote it. */
  files: ReadonlyMap<string, string>
  /** Names that each file imports, at once or later, and the source that it is the entry of. */
  outputs: ReadonlyMap<string, Metafile['outputs'][string]>
  /** Sources that every start imports, only later than its first line. */
  onDemand: readonly string[]
}

export interface FoldedFile {
  name: string
  text: string
  imports: Metafile['outputs'][string]['imports']
}

const START = 'start.mjs'
const ENTRY = 'index.mjs'

/**
 * Puts all that `index.mjs` loads at a start into `start.mjs`, and lets every other file import it from there.
 * `index.mjs` stays a file of its own: it waits for the model at its top level, and what is loaded meanwhile must not
 * wait for it in turn.
 */
export async function foldStart(split: SplitBundle, options: BuildOptions): Promise<FoldedFile[]> {
  const folded = startFiles(split)
  const rest = [...split.files.keys()].filter((name) => !folded.has(name))
  // Only what others ask for: what is exported is run when `start.mjs` loads, even where nothing needs it yet.
  const asked = new Set(
    rest.flatMap((name) => split.outputs.get(name)!.imports.map(({ path }) => baseName(path))),
  )
  const start = [...folded]
    .flatMap((name, index) =>
      asked.has(name)
        ? exportsOf(split, name).map((one) => `export{${one} as ${alias(index, one)}}from"./${name}";`)
        : [],
    )
    .join('\n')
  const results = await Promise.all([
    build({
      ...options,
      stdin: { contents: start, sourcefile: START, resolveDir: '/' },
      outfile: START,
      plugins: [inMemory(split, (name) => (folded.has(name) ? split.files.get(name) : undefined))],
    }),
    ...rest.map((name) =>
      build({
        ...options,
        stdin: { contents: split.files.get(name)!, sourcefile: name, resolveDir: '/' },
        outfile: name,
        plugins: [inMemory(split, (wanted) => reexport(split, folded, wanted))],
      }),
    ),
  ])
  return results.map(({ outputFiles, metafile }, i) => ({
    name: i === 0 ? START : rest[i - 1]!,
    text: outputFiles![0]!.text,
    imports: Object.values(metafile!.outputs)[0]!.imports,
  }))
}

function startFiles({ outputs, onDemand }: SplitBundle): Set<string> {
  if (onDemand.length === 0) {
    throw new Error('Expected parts of the start that are imported on demand but found none.')
  }
  const needed = onDemand.map((source) => {
    const part = [...outputs].find(([, { entryPoint }]) => entryPoint === source)
    // As a file of its own it would come late: a line of the log after the answer, or not at all.
    if (part === undefined) {
      throw new Error(`Expected a file of the start for ${source} but found none.`)
    }
    return part[0]
  })
  const found = new Set<string>()
  const add = (name: string): void => {
    if (found.has(name) || !outputs.has(name)) {
      return
    }
    if (name !== ENTRY) {
      found.add(name)
    }
    for (const { path, kind } of outputs.get(name)!.imports) {
      if (kind === 'import-statement') {
        add(baseName(path))
      }
    }
  }
  for (const name of [ENTRY, ...needed]) {
    add(name)
  }
  return found
}

/** A file in the start, as one that hands on the names that `start.mjs` has for its exports. */
function reexport(split: SplitBundle, folded: ReadonlySet<string>, name: string): string | undefined {
  const index = [...folded].indexOf(name)
  if (index < 0) {
    return undefined
  }
  const names = exportsOf(split, name).map((one) => `${alias(index, one)} as ${one}`)
  return `export{${names.join(',')}}from"./${START}";`
}

const exportsOf = ({ outputs }: SplitBundle, name: string): readonly string[] => outputs.get(name)!.exports
const alias = (index: number, name: string): string => `_${index}${name}`
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Files by their names alone; those without text here stay where they are. */
function inMemory(split: SplitBundle, text: (name: string) => string | undefined): Plugin {
  return {
    name: 'in-memory',
    setup(setup) {
      setup.onResolve({ filter: /^\.\// }, ({ path, kind }) => {
        const name = path.slice(2)
        if (kind === 'entry-point' || (name !== START && !split.files.has(name))) {
          return undefined
        }
        return text(name) === undefined ? { path, external: true } : { path: name, namespace: 'split' }
      })
      setup.onLoad({ filter: /./, namespace: 'split' }, ({ path }) => ({
        contents: text(path)!,
        resolveDir: '/',
      }))
    },
  }
}
