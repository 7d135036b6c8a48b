import { describe, expect, it } from 'vitest'
import { JOB_DEFAULTS } from './defaults.ts'
import type { ManifestPosition, ManifestSource, NewPicture } from './job-store.ts'
import { readManifest } from './manifest.ts'

/** All pictures of a list, and how many reads it took. */
async function readAll(
  text: string | Uint8Array,
  source: Partial<ManifestSource> = {},
  lines = 0,
): Promise<{ pictures: NewPicture[]; reads: number }> {
  const bytes = Buffer.from(text)
  const pictures: NewPicture[] = []
  let reads = 0
  let position: ManifestPosition | undefined = {
    source: { bucket: 'b', key: 'list', format: 'jsonl', ...source },
    offset: 0,
    lines,
  }
  while (position !== undefined) {
    reads++
    const part = await readManifest(position, async (_ref, { range }) =>
      bytes.subarray(range!.start, range!.start + range!.length),
    )
    pictures.push(...part.pictures)
    // What is kept between two reads is what JSON keeps.
    position =
      part.next === undefined ? undefined : (JSON.parse(JSON.stringify(part.next)) as ManifestPosition)
  }
  return { pictures, reads }
}

const entry = (key: string): string => JSON.stringify({ 'source-ref': `s3://photos/${key}` })
const kinds = (pictures: readonly NewPicture[]) => pictures.map(({ line, source }) => [line, source.kind])

describe('reading a manifest', () => {
  it('tells of lines that cannot be read by their number, and reads the rest', async () => {
    const lines = [
      entry('a.jpg'),
      '{broken',
      '',
      '{"name": "x"}',
      '"https://x.example/b.jpg"',
      entry('c.jpg'),
    ]
    const { pictures } = await readAll(lines.join('\r\n'))
    expect(kinds(pictures)).toEqual([
      [1, 'blob'],
      [2, 'none'],
      [4, 'none'],
      [5, 'url'],
      [6, 'blob'],
    ])
  })

  it('counts a line of many megabytes as one', async () => {
    for (const long of [
      'x'.repeat(70_000),
      'x'.repeat(5_000_000),
      `{"source-ref":"${'é'.repeat(2_000_000)}"}`,
    ]) {
      const { pictures } = await readAll([entry('a.jpg'), long, entry('b.jpg')].join('\n'))
      expect(kinds(pictures)).toEqual([
        [1, 'blob'],
        [2, 'none'],
        [3, 'blob'],
      ])
      expect((await readAll(`${entry('a.jpg')}\n${long}`)).pictures).toHaveLength(2)
    }
  })

  it('goes on where it was, whatever the length of the list', async () => {
    const count = 25_000
    const lines = Array.from({ length: count }, (_, n) => entry(`${n}-${'k'.repeat(n % 90)}.jpg`))
    const { pictures, reads } = await readAll(lines.join('\n'))
    expect(pictures.map(({ line }) => line)).toEqual(Array.from({ length: count }, (_, n) => n + 1))
    expect(reads).toBeGreaterThanOrEqual(count / JOB_DEFAULTS.expandLines)
  })

  it('ends a list that is too long with a failure that says so', async () => {
    const list = `${entry('a.jpg')}\n`.repeat(10)
    const { pictures } = await readAll(list, {}, JOB_DEFAULTS.mostManifestLines - 5)
    expect(pictures).toHaveLength(6)
    expect(pictures.at(-1)!.source).toMatchObject({ kind: 'none', error: { code: 'MANIFEST_INVALID' } })
  })

  it('takes CSV with a header, without one, with quotes and a byte order mark', async () => {
    const csv = { format: 'csv' as const }
    const named = await readAll('\ufeffName,URL\n"a, ""b""",https://x.example/a.jpg\n', csv)
    expect(named.pictures).toMatchObject([{ name: 'a, "b"', line: 2, source: { kind: 'url' } }])
    const bare = await readAll('s3://photos/a.jpg\n"open\n', csv)
    expect(bare.pictures.map(({ source }) => source.kind)).toEqual(['blob', 'none'])
  })

  it('takes addresses alone, one a line, with commas in them', async () => {
    const list = 'https://x.example/a,b.jpg\ns3://photos/c.jpg\n'
    for (const format of ['csv', 'jsonl'] as const) {
      const { pictures } = await readAll(list, { format })
      expect(pictures.map(({ source }) => source)).toEqual([
        { kind: 'url', url: 'https://x.example/a,b.jpg' },
        { kind: 'blob', ref: { bucket: 'photos', key: 'c.jpg' } },
      ])
    }
    const paths = await readAll('holiday/a b.jpg\n', { base: '/lists' })
    expect(paths.pictures).toMatchObject([{ source: { kind: 'file', path: '/lists/holiday/a b.jpg' } }])
  })

  it('goes on after a first line of CSV that cannot be read', async () => {
    const { pictures } = await readAll('"open\ns3://photos/a.jpg\n', { format: 'csv' })
    expect(pictures.map(({ source }) => source.kind)).toEqual(['none', 'blob'])
  })

  it('names no file of this machine unless it has a folder to be read from', async () => {
    const paths = ['/etc/passwd', '../../etc/passwd', 'file:///etc/passwd', 'C:\\secret.jpg']
    const list = paths.map((path) => JSON.stringify(path)).join('\n')
    const over = await readAll(list)
    expect(over.pictures.map(({ source }) => source.kind)).toEqual(paths.map(() => 'none'))
    const here = await readAll(list, { base: '/lists' })
    expect(here.pictures.map(({ source }) => source.kind)).toEqual(['file', 'file', 'none', 'file'])
  })
})
