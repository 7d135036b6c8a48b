import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

interface Row {
  room: string
  allowed: string[]
}

/** The table of rooms in docs/development.md, from the ground up; "all" stands for every row above. */
const rows: Row[] = []
const table = readFileSync(join(ROOT, 'docs/development.md'), 'utf8')
for (const [, room, from] of table.matchAll(/^\| `(\S+)` \|.*\|(.*)\|$/gm)) {
  const named = [...from!.matchAll(/`([^`]+)`/g)].map(([, name]) => nameOf(name!))
  rows.push({ room: nameOf(room!), allowed: from!.trim() === 'all' ? rows.map((row) => row.room) : named })
}
const { imports } = JSON.parse(readFileSync(join(ROOT, 'src/package.json'), 'utf8')) as {
  imports: Record<string, string | Record<string, string>>
}
const rowOf = (room: string): number => rows.findIndex((row) => row.room === room)

const code = readCode('src', (path) => path.endsWith('.ts') && !/\.test\.ts$|\.d\.ts$/.test(path))
const page = readCode('web/src', (path) => /\.tsx?$/.test(path) && !/\.test\.ts$|\.d\.ts$/.test(path))

const roomOf = (path: string): string => nameOf(path.split('/')[1]!)
function nameOf(written: string): string {
  return written.replace(/\/$|\.ts$/, '')
}

describe('the table of rooms', () => {
  it('has a row for every room, and a room for every row', () => {
    expect([...new Set([...code.keys()].map(roomOf))].sort()).toEqual(rows.map(({ room }) => room).sort())
  })
  it('lets a room import only from rooms above it', () => {
    expect(
      rows.flatMap(({ room, allowed }, i) =>
        allowed.filter((name) => rowOf(name) < 0 || rowOf(name) >= i).map((name) => `${room} → ${name}`),
      ),
    ).toEqual([])
  })
  it('allows nothing that no file needs', () => {
    const used = new Set(arrows(code).map(({ from, to }) => `${roomOf(from)} → ${roomOf(to)}`))
    const optional = ['system', 'errors']
    expect(
      rows
        .filter(({ room }) => room !== 'cli' && room !== 'index')
        .flatMap(({ room, allowed }) => allowed.map((name) => ({ room, name })))
        .filter(({ room, name }) => !optional.includes(name) && !used.has(`${room} → ${name}`))
        .map(({ room, name }) => `${room} → ${name}`),
    ).toEqual([])
  })
})

describe('the house', () => {
  it('imports only what the row of a room allows', () => {
    expect(
      arrows(code)
        .filter(({ from, to }) => {
          const [own, other] = [roomOf(from), roomOf(to)]
          return own !== other && other !== 'errors' && !rows[rowOf(own)]?.allowed.includes(other)
        })
        .map(({ from, to }) => `${from} → ${to}`),
    ).toEqual([])
  })
  it('imports only files that exist, and none of the tests', () => {
    expect(
      arrows(code)
        .filter(({ to }) => !code.has(to) && !to.endsWith('.d.ts'))
        .map(({ from, to }) => `${from} → ${to}`),
    ).toEqual([])
  })
  it('has no import cycles, the page included', () => {
    expect(cycle(code)).toEqual([])
    expect(cycle(page)).toEqual([])
  })
  it('keeps boxes and decoders free of Node', () => {
    const impure = [...code]
      .filter(([path]) => /^src\/(boxes|families)\//.test(path))
      .filter(([, text]) => /from '(node:|sharp|onnxruntime)/.test(text))
    expect(impure.map(([path]) => path)).toEqual([])
  })
})

/** Text of each file by its path from the root of the checkout. */
function readCode(folder: string, wanted: (path: string) => boolean): Map<string, string> {
  return new Map(
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
      .filter(wanted)
      .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
  )
}

/** Every import of one file by another, type imports and imports on demand included. */
function arrows(files: ReadonlyMap<string, string>): { from: string; to: string }[] {
  return [...files].flatMap(([from, text]) =>
    [...text.matchAll(/(?:from\s+|import\(|^import\s+)'([.#][^']+)'/gm)]
      .flatMap(([, name]) => targets(name!, dirname(from)))
      .map((to) => ({ from, to: normalize(to).replaceAll('\\', '/') }))
      .filter(({ to }) => /\.tsx?$/.test(to)),
  )
}

/** A name with a hash stands for what src/package.json has for it outside Lambda. */
function targets(name: string, folder: string): string[] {
  if (!name.startsWith('#')) {
    return [join(folder, name)]
  }
  const choice = imports[name]
  const target = typeof choice === 'string' ? choice : choice?.default
  return [target === undefined ? `${name}.ts` : join('src', target)]
}

/** The first cycle found, file by file, or nothing. */
function cycle(files: ReadonlyMap<string, string>): string[] {
  const next = new Map<string, string[]>()
  for (const { from, to } of arrows(files)) {
    next.set(from, [...(next.get(from) ?? []), to])
  }
  const state = new Map<string, 'open' | 'done'>()
  const path: string[] = []
  const visit = (file: string): string[] | undefined => {
    if (state.get(file) === 'done') {
      return undefined
    }
    if (state.get(file) === 'open') {
      return [...path.slice(path.indexOf(file)), file]
    }
    state.set(file, 'open')
    path.push(file)
    for (const to of next.get(file) ?? []) {
      const found = visit(to)
      if (found !== undefined) {
        return found
      }
    }
    path.pop()
    state.set(file, 'done')
    return undefined
  }
  for (const file of files.keys()) {
    const found = visit(file)
    if (found !== undefined) {
      return found
    }
  }
  return []
}
