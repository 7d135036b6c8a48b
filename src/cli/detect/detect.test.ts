import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { constantModel, yolov8Head } from '../../../test/support/onnx-graph.ts'
import { decodeImage } from '../../image/decode/decode.ts'

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
  it('says where results went, and nothing more when there are none to write', async () => {
    const out = join(folder, 'told')
    const args = ['detect', coffee, join(PICTURES, 'chelsea.png'), '--model', model, '--out', out]
    expect((await boxlet(args)).err).toBe(`boxlet: 2 annotated pictures in ${out}\n`)
    expect((await boxlet([...args, '--format', 'yolo'])).err).toBe(
      `boxlet: 2 annotated pictures and 2 label files in ${out}\n`,
    )
    expect((await boxlet(['detect', coffee, '--model', model])).err).toBe('')
  })
  it('writes label files alone with --no-draw', async () => {
    const out = join(folder, 'alone')
    const args = ['detect', coffee, '--model', model, '--out', out, '--no-draw']
    expect(await boxlet([...args, '--format', 'yolo'])).toMatchObject({
      code: 0,
      err: `boxlet: 1 label file in ${out}\n`,
    })
    expect(await readdir(out)).toEqual(['coffee.txt'])
    expect(await boxlet(args)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--no-draw leaves nothing'),
    })
  })
  it('writes each object as a picture of its own with --crop', async () => {
    const out = join(folder, 'cropped')
    const { code, err } = await boxlet([
      'detect',
      coffee,
      '--model',
      model,
      '--out',
      out,
      '--crop',
      '--no-draw',
    ])
    expect({ code, err }).toEqual({ code: 0, err: `boxlet: 1 crop in ${out}\n` })
    const crop = await decodeImage(await readFile(join(out, 'crops', 'cat', 'coffee-1.jpg')))
    // 20 × 16 of 64 input pixels, over a letterbox of 600 × 400.
    expect([crop.pixels.width, crop.pixels.height].map((edge) => Math.round(edge / 10))).toEqual([19, 15])
    const refused = await boxlet([
      'detect',
      join(out, 'crops', 'cat'),
      '--model',
      model,
      '--out',
      out,
      '--crop',
    ])
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('would be overwritten') })
  })
  it('hides what is in boxes of --blur in the copy, and nothing else', async () => {
    const out = join(folder, 'hidden')
    const args = ['detect', coffee, '--model', model, '--out', out, '--no-draw', '--blur']
    expect(await boxlet([...args, 'Cat'])).toMatchObject({
      code: 0,
      err: `boxlet: 1 blurred picture in ${out}\n`,
    })
    const before = (await decodeImage(await readFile(coffee))).pixels
    const after = (await decodeImage(await readFile(join(out, 'coffee.jpg')))).pixels
    const mean = (x: number, y: number) => {
      let sum = 0
      for (let i = 0; i < 40 * 40; i++) {
        const at = ((y + Math.floor(i / 40)) * 600 + x + (i % 40)) * 3
        sum += Math.abs(before.data[at]! - after.data[at]!)
      }
      return sum / 1600
    }
    expect(mean(290, 180)).toBeGreaterThan(3 * mean(20, 20))
    expect(await boxlet([...args, 'tiger'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('for --blur'),
    })
    expect(await boxlet(['detect', coffee, '--model', model, '--blur', 'cat'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Expected --out'),
    })
  })
  it('takes no name of a picture for the folder', async () => {
    expect(await boxlet(['detect', coffee, '--model', model, '--out', join(folder, 'x.jpg')])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Name a folder'),
    })
  })
  it('names what a pattern finds as a shell would', async () => {
    const names = async (input: string) =>
      (await boxlet(['detect', input, '--model', model, '--format', 'ndjson'])).out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).source)
    const near = relative(process.cwd(), PICTURES)
    for (const base of [PICTURES, near, `./${near}`, join(PICTURES, '..', '..', 'examples', 'pictures')]) {
      expect(await names(`${base}/c*.png`)).toEqual([`${base}/chelsea.png`, `${base}/coffee.png`])
    }
    const out = join(folder, 'by-pattern')
    await boxlet(['detect', join(PICTURES, 'c*.png'), '--model', model, '--out', out])
    expect((await readdir(out)).sort()).toEqual(['chelsea.jpg', 'coffee.jpg'])
  })
  it('says so when the model has no names', async () => {
    const nameless = join(folder, 'nameless.onnx')
    const head = (score: number) => yolov8Head([[32, 32, 20, 16, score, 0.1]], 84, 6)
    const graph = (score: number) =>
      constantModel(
        [{ name: 'images', shape: [1, 3, 64, 64] }],
        [{ name: 'output0', shape: [1, 6, 84], values: head(score) }],
      )
    await writeFile(nameless, graph(0.9))
    expect((await boxlet(['detect', coffee, '--model', nameless])).err).toContain('--labels FILE')
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
      expect(refused.err).toContain('Add --allow-private')
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
