/**
 * Writes the reference below the mark in docs/library.md: every export of the built package with its doc comment and
 * its declaration, as the compiler in use reads them. Needs `npm run build`; a test compares page and code.
 *
 *   node scripts/library-page.js
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { API } from 'typescript/unstable/sync'

const ROOT = join(import.meta.dirname, '..')
const PAGE = join(ROOT, 'docs/library.md')
const MARK = '<!-- What follows is generated: node scripts/library-page.js -->\n'

/** Order of the sections; what is a class or a function is called, all else is a shape. */
const SECTIONS = ['Classes', 'Functions', 'Values', 'Types']

/** The page with its reference made anew. */
export function libraryPage() {
  const written = readFileSync(PAGE, 'utf8')
  const end = written.indexOf(MARK)
  if (end < 0) {
    throw new Error(`Expected the mark of the reference in ${PAGE} but found none.`)
  }
  return `${written.slice(0, end)}${MARK}\n${reference()}`
}

function reference() {
  const config = join(import.meta.dirname, 'tsconfig.library.json')
  const api = new API({ cwd: ROOT })
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)
    const { checker, program } = project
    const entry = program.getSourceFile(join(ROOT, 'dist/index.d.ts'))
    const exports = checker.getExportsOfModule(checker.getSymbolAtLocation(entry))
    const parts = exports.map((symbol) => describe(checker.getAliasedSymbol(symbol), symbol.name, project))
    return SECTIONS.map((title) => {
      const own = parts.filter(({ section }) => section === title)
      return own.length === 0
        ? ''
        : `## ${title}\n\n${own
            .sort((a, b) => a.name.localeCompare(b.name))
            .map(({ text }) => text)
            .join('\n')}`
    })
      .filter((text) => text !== '')
      .join('\n')
  } finally {
    api.close()
  }
}

function describe(symbol, name, project) {
  const nodes = symbol.declarations.map((handle) => handle.resolve(project))
  const texts = nodes.map((node) => withInherited(declaration(node), node, project))
  const doc = project.checker.getDocumentationCommentOfSymbol(symbol).trim()
  const tags = project.checker
    .getJsDocTagsOfSymbol(symbol)
    .map(({ name: tag, text }) => `- \`@${tag}\` ${text ?? ''}`.trimEnd())
  const section = /^export (declare )?(abstract )?class/.test(texts[0])
    ? 'Classes'
    : /^export (declare )?function|=> /.test(texts[0]) && !/^export (interface|type)/.test(texts[0])
      ? 'Functions'
      : /^export (declare )?const/.test(texts[0])
        ? 'Values'
        : 'Types'
  const lines = [`### ${name}`, doc, tags.join('\n'), `\`\`\`ts\n${texts.join('\n')}\n\`\`\``]
  return { name, section, text: `${lines.filter((line) => line !== '').join('\n\n')}\n` }
}

/** The declaration without the comment above it; members keep theirs. */
function declaration(node) {
  const file = node.getSourceFile()
  // A constant is declared inside a statement, which bears the `export`.
  const whole = /^const|^let/.test(file.text.slice(node.pos).trimStart()) ? node : statementOf(node)
  return file.text
    .slice(whole.getStart(), whole.end)
    .replace(/^ +#private;\n/gm, '')
    .trim()
}

/** A class with the members of its base, where that is exported under no name of its own. */
function withInherited(text, node, project) {
  const isClass = /^export declare class \w+ extends (?!Error)/.test(text)
  if (!isClass) {
    return text
  }
  const symbol = project.checker.getSymbolAtLocation(node.heritageClauses[0].types[0].expression)
  const [inherited] = project.checker.getAliasedSymbol(symbol).declarations
  const whole = declaration(inherited.resolve(project))
  const members = whole.slice(whole.indexOf('{\n') + 2, whole.lastIndexOf('}'))
  return text
    .replace(` extends ${symbol.name}`, /( implements [^{]+?)? \{\n/.exec(whole)?.[1] ?? '')
    .replace(/\}$/, `${members}}`)
}

function statementOf(node) {
  let found = node
  while (found.parent !== undefined && found.parent.parent !== undefined) {
    found = found.parent
  }
  return found
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, libraryPage())
}
