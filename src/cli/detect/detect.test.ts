import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { constantModel, yolov8Head } from '../../../test/support/onnx-graph.ts'

const PICTURES = join(import.meta.dirname, '../../../examples/pictures')
let folder: string
let model: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-cli-'))
  model = join(folder, 'pets.onnx')
  const rows = [[32, 32, 20, 16, 0.9, 0.1]]
  await writeFile(
    model,
    constantModel(
      [{ name: 'images', shape: [1, 3, 64, 64] }],
      [{ name: 'output0', shape: [1, 6, 84], values: yolov8Head(rows, 84, 6) }],
      { names: "{0: 'cat', 1: 'dog'}" },
    ),
  )
  await cp(PICTURES, join(folder, 'in'), { recursive: true })
  await writeFile(join(folder, 'in', 'broken.jpg'), 'not a picture')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const coffee = join(PICTURES, 'coffee.png')

describe('boxlet detect', () => {
  it('prints one JSON document for files and folders, and survives a bad file', async () => {
    const { code, out, err } = await boxlet([
      'detect',
      join(folder, 'in'),
      coffee,
      '--model',
      model,
      '--format',
      'json',
    ])
    expect(code).toBe(1)
    const { images } = JSON.parse(out)
    expect(images.map(({ source }: { source: string }) => source.split(/[\\/]/).at(-1))).toEqual([
      'astronaut.png',
      'broken.jpg',
      'chelsea.png',
      'coffee.png',
      'coffee.png',
    ])
    expect(images[1].error.code).toBe('IMAGE_FORMAT')
    expect(images[3].detections[0]).toMatchObject({ label: 'cat', classId: 0, score: 0.9 })
    expect(err).toContain('broken.jpg')
  })
  it('reads a picture from standard input', async () => {
    const { code, out } = await boxlet(
      ['detect', '-', '--model', model, '--format', 'ndjson', '--alt-text'],
      { stdin: await readFile(coffee) },
    )
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      source: '-',
      width: 600,
      height: 400,
      altText: 'A picture of a cat.',
    })
  })
  it('expands a pattern itself', async () => {
    const { out } = await boxlet(['detect', join(PICTURES, 'c*.png'), '--model', model, '--format', 'csv'])
    expect(out.trim().split('\r\n')).toHaveLength(3)
  })
  it('writes annotated pictures and label files, whole or not at all', async () => {
    const out = join(folder, 'out')
    const { code } = await boxlet([
      'detect',
      coffee,
      join(PICTURES, 'chelsea.png'),
      '--model',
      model,
      '--format',
      'yolo',
      '--out',
      out,
    ])
    expect(code).toBe(0)
    expect((await readdir(out)).sort()).toEqual(['chelsea.jpg', 'chelsea.txt', 'coffee.jpg', 'coffee.txt'])
    expect(await readFile(join(out, 'coffee.txt'), 'utf8')).toMatch(/^0 0\.5 /)
  })
  it('says so when the output folder cannot be written', async () => {
    const { code, err } = await boxlet(['detect', coffee, '--model', model, '--out', join(model, 'below')])
    expect(code).toBe(3)
    expect(err).toContain('OUTPUT_UNWRITABLE')
  })
  it.skipIf(process.platform !== 'linux')('does not hang where the system takes no folders', async () => {
    expect(await boxlet(['detect', coffee, '--model', model, '--out', '/proc/x'])).toMatchObject({ code: 3 })
  })
  it('keeps pictures of one name apart', async () => {
    const out = join(folder, 'twins')
    await boxlet(['detect', coffee, join(folder, 'in', 'coffee.png'), '--model', model, '--out', out])
    expect((await readdir(out)).sort()).toEqual(['coffee-2.jpg', 'coffee.jpg'])
  })
  it.each([
    [['detect'], 2, 'at least one picture'],
    [['detect', coffee, '--colour'], 2, 'Expected an option of "boxlet detect" but received "--colour"'],
    [['detect', coffee, '--min-score', '2'], 2, 'from 0 to 1 for --min-score'],
    [['detect', coffee, '--format', 'xml'], 2, 'one of table, json'],
    [['detect', coffee, coffee, '--format', 'voc'], 2, '--out'],
    [['detect', join(PICTURES, 'none-*.png')], 3, 'has none'],
    [['detect', join(PICTURES, 'none.png')], 3, 'does not exist'],
    [['fly'], 2, 'Expected a verb'],
  ])('answers %j with exit code %d and one line', async (args, expected, text) => {
    const { code, out, err } = await boxlet([...args, ...(args.length > 1 ? ['--model', model] : [])])
    expect(code).toBe(expected)
    expect(err).toContain(text)
    expect(err.trim().split('\n')).toHaveLength(1)
    expect(err).not.toContain('    at ')
    expect(out).toBe('')
  })
  it('takes options from variables, and lets flags win over them', async () => {
    const env = { BOXLET_MODEL: model, BOXLET_FORMAT: 'ndjson', BOXLET_MIN_SCORE: '0.95' }
    expect(JSON.parse((await boxlet(['detect', coffee], { env })).out).detections).toHaveLength(0)
    expect(
      JSON.parse((await boxlet(['detect', coffee, '--min-score', '0.5'], { env })).out).detections,
    ).toHaveLength(1)
    const wrong = await boxlet(['detect', coffee], { env: { ...env, BOXLET_MIN_SCORE: 'high' } })
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('BOXLET_MIN_SCORE') })
  })
  it('changes one part of the contract with --set', async () => {
    const args = [
      'detect',
      coffee,
      '--model',
      model,
      '--format',
      'ndjson',
      '--set',
      'labels=["lion","wolf"]',
      '--set',
      'thresholds.score=0.2',
    ]
    expect(JSON.parse((await boxlet(args)).out).detections[0].label).toBe('lion')
    expect(await boxlet([...args, '--set', 'input.colour=blue'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('input.colour'),
    })
    expect(await boxlet([...args, '--set', 'nonsense'])).toMatchObject({ code: 2 })
  })
  it('refuses to fetch from private networks unless it is allowed', async () => {
    const bytes = await readFile(coffee)
    const server = createServer((_, response) => response.end(bytes)).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const address = `http://127.0.0.1:${port}/cup.png?secret=1`
      const refused = await boxlet(['detect', address, '--model', model])
      expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('URL_REFUSED') })
      expect(refused.err).not.toContain('secret')
      expect(await boxlet(['detect', address, '--model', model, '--allow-private'])).toMatchObject({
        code: 0,
      })
    } finally {
      server.close()
    }
  })
  it('finishes what has begun and says where it stopped when it is interrupted', async () => {
    const interrupt = new AbortController()
    const running = boxlet(
      ['detect', ...Array.from({ length: 40 }, () => coffee), '--model', model, '--format', 'json'],
      { signal: interrupt.signal, onOutput: (text) => text.includes('source') && interrupt.abort() },
    )
    const { code, out, err } = await running
    expect(code).toBe(1)
    const { images } = JSON.parse(out)
    expect(images.length).toBeLessThan(40)
    expect(images.every((image: { error?: unknown }) => image.error === undefined)).toBe(true)
    expect(err).toContain(`stopped after ${images.length} of 40 pictures`)
  })
})
