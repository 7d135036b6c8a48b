import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = join(import.meta.dirname, '../src')

/** Rooms from the ground up. A file imports from its own room and from lower ones only. */
const LEVELS: readonly (readonly string[])[] = [
  ['errors'],
  ['boxes'],
  ['model', 'image'],
  ['families', 'runtime'],
  ['detector'],
  ['formats'],
  ['datasets', 'evaluate', 'jobs', 'toolchain'],
  ['local', 'api'],
  ['server', 'aws'],
  ['cli', 'index'],
]

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !/\.(test|fixture)\.ts$|\.d\.ts$/.test(path))

/** Every import of one source file by another, type imports and lazy ones included. */
const imports = files.flatMap((from) => {
  const text = readFileSync(join(SRC, from), 'utf8')
  return [...text.matchAll(/(?:from\s+|import\()'(\.[^']+)'/g)]
    .map((match) => normalize(join(dirname(from), match[1]!)).replaceAll('\\', '/'))
    .filter((to) => to.endsWith('.ts'))
    .map((to) => ({ from, to }))
})

const roomOf = (path: string): string => {
  const first = path.split('/')[0]!
  return first.endsWith('.ts') ? first.replace(/(?:-.*)?\.ts$/, '') : first
}
const levelOf = (path: string): number => LEVELS.findIndex((rooms) => rooms.includes(roomOf(path)))

describe('the house', () => {
  it('has no room without a level', () => {
    expect(files.filter((path) => levelOf(path) < 0)).toEqual([])
  })
  it('imports go one way', () => {
    expect(
      imports.filter(({ from, to }) => levelOf(to) > levelOf(from)).map(({ from, to }) => `${from} → ${to}`),
    ).toEqual([])
  })
  it('imports only files that exist', () => {
    expect(
      imports
        .filter(({ to }) => !files.includes(to) && !to.endsWith('.d.ts'))
        .map(({ from, to }) => `${from} → ${to}`),
    ).toEqual([])
  })
  it('has no import cycles', () => {
    expect(cycle()).toEqual([])
  })
  it('keeps boxes and decoders free of Node', () => {
    const pure = files.filter((path) => /^(boxes|families)\//.test(path))
    const impure = pure.filter((path) =>
      /from '(node:|sharp|onnxruntime)/.test(readFileSync(join(SRC, path), 'utf8')),
    )
    expect(impure).toEqual([])
  })
})

/** The first cycle found, file by file, or nothing. */
function cycle(): string[] {
  const next = new Map<string, string[]>()
  for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to])
  const state = new Map<string, 'open' | 'done'>()
  const path: string[] = []
  const visit = (file: string): string[] | undefined => {
    if (state.get(file) === 'done') return undefined
    if (state.get(file) === 'open') return [...path.slice(path.indexOf(file)), file]
    state.set(file, 'open')
    path.push(file)
    for (const to of next.get(file) ?? []) {
      const found = visit(to)
      if (found !== undefined) return found
    }
    path.pop()
    state.set(file, 'done')
    return undefined
  }
  for (const file of files) {
    const found = visit(relative('.', file))
    if (found !== undefined) return found
  }
  return []
}
