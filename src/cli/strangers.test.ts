import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../test/support/boxlet.ts'
import { constantModel, yolov8Head } from '../../test/support/onnx-graph.ts'
import { allLeaves, main } from './main.ts'

/** Retitles the window, clears the screen in two ways, overwrites the line, and turns the direction of text. */
const EVIL = '\u001b]0;owned\u0007\u001b[2J\u009b2Jx\rboxlet: all well\u202efdp'
const TURNED = '\u202egpj.\u2066'
/** Nothing that a terminal obeys, but line ends and tabs. */
const OBEYED = /(?![\n\t]|\r\n)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

const COFFEE = join(import.meta.dirname, '../../examples/pictures/coffee.png')
let folder: string
let model: string
let dataset: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-strangers-'))
  model = join(folder, 'evil.onnx')
  await writeFile(
    model,
    constantModel(
      [{ name: `images${EVIL}`, shape: [1, 3, 64, 64] }],
      [{ name: `output${EVIL}`, shape: [1, 6, 84], values: yolov8Head([[32, 32, 20, 16, 0.9, 0.1]], 84, 6) }],
      {
        // Controls in class names are refused by themselves, so that the names would be none.
        names: JSON.stringify({ 0: `cat${TURNED}`, 1: 'dog' }),
        author: EVIL,
        [`key${EVIL}`]: EVIL,
        license: EVIL,
        description: EVIL,
      },
      { producer: EVIL },
    ),
  )
  await mkdir(join(folder, 'set'))
  await cp(COFFEE, join(folder, 'set', 'coffee.png'))
  dataset = join(folder, 'set', 'labels.json')
  await writeFile(
    dataset,
    JSON.stringify({
      info: { description: EVIL },
      images: [
        { id: 1, file_name: 'coffee.png', width: 600, height: 400 },
        { id: 2, file_name: `gone${EVIL}.png`, width: 600, height: 400 },
      ],
      categories: [
        { id: 1, name: `cat${EVIL}` },
        { id: 2, name: 'dog' },
      ],
      annotations: [
        { id: 1, image_id: 1, category_id: 1, bbox: [10, 10, 50, 50], area: 2500, iscrowd: 0 },
        { id: 2, image_id: 1, category_id: 1, bbox: [10, 10, -5, 50], area: 1, iscrowd: 0 },
        { id: EVIL, image_id: EVIL, category_id: 9, bbox: EVIL },
      ],
    }),
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function quiet(args: string[], env: Record<string, string> = {}) {
  const result = await boxlet(args, { env })
  expect(result.out).not.toMatch(OBEYED)
  expect(result.err).not.toMatch(OBEYED)
  return result
}

describe('what a stranger wrote', () => {
  it.each([
    ['model', 'inspect'],
    ['model', 'inspect', '--format', 'json'],
    ['model', 'contract'],
    ['model', 'doctor', '--image', COFFEE, '--out', 'DOCTOR'],
    ['model', 'doctor', '--image', COFFEE, '--out', 'DOCTOR', '--format', 'json'],
  ])('into a model does not reach the terminal by %s %s %s %s', async (...words) => {
    const args = words.map((word) => (word === 'DOCTOR' ? join(folder, 'doctor') : word))
    const { out } = await quiet([...args.slice(0, 2), model, ...args.slice(2)])
    expect(out).toContain('yolov8')
  })

  it.each(['table', 'json', 'ndjson', 'csv', 'coco', 'yolo', 'voc'])(
    'into class names does not reach the terminal by detect --format %s, and JSON keeps its value',
    async (format) => {
      const { code, out } = await quiet([
        'detect',
        COFFEE,
        '--model',
        model,
        '--format',
        format,
        '--alt-text',
      ])
      expect(code).toBe(0)
      if (format === 'ndjson') {
        expect(JSON.parse(out).detections[0].label).toBe(`cat${TURNED}`)
      }
    },
  )

  it.skipIf(process.platform === 'win32')('into the name of a file', async () => {
    const path = join(folder, `a${EVIL.replaceAll('/', '')}\n.png`)
    await cp(COFFEE, path)
    const { code, out } = await quiet(['detect', path, '--model', model])
    expect(code).toBe(0)
    expect(out.split('\n')[0]).toContain('\\u000a.png')
    await writeFile(path, 'no picture')
    const { err } = await quiet(['detect', path, path, '--model', model])
    expect(err.trimEnd().split('\n')).toHaveLength(2)
    await rm(path)
  })

  it('into a label file or a contract', async () => {
    const labels = join(folder, 'labels.txt')
    await writeFile(labels, `${EVIL.replace('\r', '')}\ndog\n`)
    await quiet(['detect', COFFEE, '--model', model, '--labels', labels])
    const contract = join(folder, 'contract.json')
    await writeFile(contract, JSON.stringify({ input: { colour: EVIL }, [EVIL]: EVIL }))
    const { code } = await quiet(['detect', COFFEE, '--model', model, '--contract', contract])
    expect(code).toBe(2)
    await writeFile(contract, JSON.stringify({ labels: [EVIL, EVIL] }))
    await quiet(['detect', COFFEE, '--model', model, '--contract', contract])
    await quiet(['detect', COFFEE, '--model', model, '--set', `input.colour=${EVIL}`])
    await quiet(['detect', COFFEE, '--model', model, '--classes', EVIL])
  })

  it.each([
    [['dataset', 'stats', 'SET']],
    [['dataset', 'stats', 'SET', '--format', 'json']],
    [['dataset', 'stats', 'SET', '--format', 'markdown']],
    [['dataset', 'stats', 'SET', '--problems', 'fatal']],
    [['dataset', 'convert', 'SET', '--to', 'yolo', '--out', 'OUT']],
    [['dataset', 'convert', 'SET', '--to', 'voc', '--out', 'OUT', '--force']],
    [['dataset', 'split', 'SET', '--parts', 'a=1,b=1', '--out', 'OUT', '--force']],
    [['dataset', 'view', 'SET', '--out', 'OUT.html']],
    [['eval', 'MODEL', '--data', 'SET', '--no-reuse']],
    [['eval', 'MODEL', '--data', 'SET', '--no-reuse', '--format', 'markdown']],
    [['eval', 'MODEL', 'MODEL', '--data', 'SET', '--no-reuse', '--format', 'json']],
  ])('into categories and names of a data set: %j', async (words) => {
    const place = { SET: dataset, MODEL: model, OUT: join(folder, 'out'), 'OUT.html': join(folder, 'o.html') }
    const { code, out, err } = await quiet(words.map((word) => place[word as keyof typeof place] ?? word))
    expect(out + err).not.toBe('')
    expect(code).toBeLessThan(4)
  })

  it('into boxlet.config.json or a variable', async () => {
    await quiet(['template', '--kind', EVIL])
    await quiet(['template'], { [`BOXLET_${EVIL}`]: '1', BOXLET_KIND: EVIL })
  })

  it.each([
    ['an answer', 200],
    ['an error', 400],
    ['a failure', 500],
  ])('into %s of a service that is measured', async (_, status) => {
    const server = createServer((request, response) => {
      request.resume()
      const error = { code: EVIL, message: EVIL, hint: EVIL }
      const found = { label: `cat${EVIL}`, classId: 0, score: 0.9, box: [1, 2, 3, 4] }
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify(
          status === 200
            ? { model: { name: EVIL }, images: [{ detections: [found] }], detections: [found], error }
            : { error },
        ),
      )
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const { err, out } = await quiet(['eval', '--endpoint', `http://127.0.0.1:${port}`, '--data', dataset])
      expect(out + err).not.toBe('')
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })

  it('into an address', async () => {
    await quiet(['detect', `https://example.invalid/${EVIL}.png`, '--model', model])
    await quiet(['detect', `${EVIL}://x`, '--model', model])
  })
})

const leaves = await allLeaves()
describe('a word of the call', () => {
  it.each(leaves.map(({ name }) => [name]))('is repeated by %s in one harmless line', async (name) => {
    for (const wrong of [[`--${EVIL}`], [`--format=${EVIL}`], ['--', EVIL, EVIL, EVIL]]) {
      const { code, err } = await quiet([...name.split(' '), ...wrong], { BOXLET_OFFLINE: '1' })
      if (code !== 0) {
        expect(err.trimEnd().split('\n').length).toBeLessThan(4)
      }
    }
  })
  it('is repeated in the place of a verb in one harmless line', async () => {
    for (const words of [[EVIL], ['help', EVIL], ['model', EVIL], [`${EVIL}.jpg`], [`${EVIL}.onnx`]]) {
      const { err } = await quiet(words)
      expect(err.trimEnd().split('\n')).toHaveLength(1)
    }
  })
})

describe('on a terminal', () => {
  /** Both streams of a terminal in the order in which it gets them. */
  async function onTerminal(args: string[]) {
    const parts: string[] = []
    const stream = () => {
      const through = Object.assign(new PassThrough(), { isTTY: true })
      const write = through.write.bind(through)
      through.write = ((chunk: string | Uint8Array) => {
        parts.push(chunk.toString())
        return write(chunk)
      }) as typeof through.write
      return through.resume()
    }
    const code = await main(args, {
      stdout: stream(),
      stderr: stream(),
      stdin: Readable.from([]),
      env: {},
      signal: new AbortController().signal,
    })
    return { code, text: parts.join('') }
  }

  it.each(['ndjson', 'csv', 'table'])('progress is never glued to %s', async (format) => {
    const { code, text } = await onTerminal([
      'detect',
      ...Array.from({ length: 6 }, () => COFFEE),
      '--model',
      model,
      '--format',
      format,
    ])
    expect(code).toBe(0)
    expect(text).toContain('1/6')
    const ERASE = '\r\u001b[K'
    // What a line of progress leaves on the screen is erased before anything else is written.
    const pieces = text.split(ERASE)
    for (const piece of pieces.slice(1)) {
      const [drawn = ''] = /^\d\/6( {2}[\d.]+ pictures\/s)?( {2}[\w ]+ left)?/.exec(piece) ?? []
      expect(drawn === '' || piece === drawn, JSON.stringify(piece)).toBe(true)
    }
    expect(pieces.join('')).not.toMatch(OBEYED)
  })
})

describe.skipIf(process.platform === 'win32')('with few files that may be open', () => {
  const bin = join(import.meta.dirname, '../../bin/boxlet.js')
  it.each([64, 40, 30, 24])('at %d the reason is named', (limit) => {
    const { stderr, status } = spawnSync(
      'bash',
      [
        '-c',
        `ulimit -n ${limit}; exec "$0" "$1" detect "$2" --model "$3"`,
        process.execPath,
        bin,
        COFFEE,
        model,
      ],
      { encoding: 'utf8' },
    )
    if (status !== 0) {
      expect(stderr).toContain('[TOO_MANY_FILES]')
    }
    expect(stderr).not.toContain('INTERNAL')
  })
})
