import { builtinModules } from 'node:module'

const BUILTINS = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]))

/** An import statement as the bundler prints it when it minifies: default, namespace or names, and the module. */
const IMPORT = /(?<=^|[;}\n])import(?: ([\w$]+) ?|\*as ([\w$]+) |(?: ([\w$]+),)?\{([^}]*)\})from"([^"]+)";/g

/**
 * Turns the imports of Node's own modules in a minified module into calls of `require` at its head. To import one
 * makes Node read all that it exports, which loads what is behind it: `node:http` loads fetch, HTTP/2 and TLS,
 * `node:fs` its promises and the line reader.
 *
 * @param head what defines `require`, at the start of the text
 * @param expected imports of Node's modules that the bundler says there are
 * @throws Error when there are more or fewer, since text in a string may look like an import
 */
export function lightBuiltins(text: string, head: string, expected: number): string {
  if (!text.startsWith(head)) {
    throw new Error('Expected the text to begin with its head.')
  }
  const taken: string[] = []
  const rest = text.slice(head.length).replace(IMPORT, (whole, only, namespace, byDefault, names, from) => {
    if (!BUILTINS.has(from)) {
      return whole
    }
    taken.push(required(from, [only, namespace, byDefault].filter(Boolean), names))
    return ''
  })
  if (taken.length !== expected) {
    throw new Error(`Expected ${expected} imports of modules of Node but found ${taken.length}.`)
  }
  return head + taken.join('') + rest
}

/** The default export of a module of Node is the module itself. */
function required(module: string, wholes: readonly string[], names: string | undefined): string {
  const call = `require(${JSON.stringify(module)})`
  const parts = wholes.map((name) => `const ${name}=${call};`)
  const pairs = (names ?? '')
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split(' as ') as [string, string?])
  if (pairs.length === 0) {
    return parts.join('')
  }
  parts.push(
    `const{${pairs.map(([name, local]) => (local === undefined ? name : `${name}:${local}`)).join(',')}}=${call};`,
  )
  return parts.join('')
}
