import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { constantModel, yolov8Head } from '../../../test/support/onnx-graph.ts'

const ROOT = join(import.meta.dirname, '../../..')
const coffee = join(ROOT, 'examples/pictures/coffee.png')
let folder: string
let model: string

function petsModel(edge: number): Uint8Array {
  const candidates = 21 * (edge / 32) ** 2
  const values = yolov8Head([[32, 32, 20, 16, 0.9, 0.1]], candidates, 6)
  return constantModel(
    [{ name: 'images', shape: [1, 3, edge, edge] }],
    [{ name: 'output0', shape: [1, 6, candidates], values }],
    { names: "{0: 'cat', 1: 'dog'}" },
  )
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-faults-'))
  model = join(folder, 'pets.onnx')
  await writeFile(model, petsModel(64))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const inFolder = async (name: string) => {
  const path = join(folder, name)
  await mkdir(path, { recursive: true })
  return path
}

describe('boxlet detect --out', () => {
  it.each(['same folder', 'hard link', 'symbolic link'])('never overwrites a picture: %s', async (how) => {
    const own = await inFolder(`own ${how}`)
    const out = how === 'same folder' ? own : await inFolder(`out ${how}`)
    const photo = join(own, 'photo.jpg')
    await cp(coffee, photo)
    if (how === 'hard link') {
      await link(photo, join(out, 'photo.jpg'))
    }
    if (how === 'symbolic link') {
      await symlink(photo, join(out, 'photo.jpg'))
    }
    const { code, err, out: printed } = await boxlet(['detect', photo, '--model', model, '--out', out])
    expect({ code, printed }).toEqual({ code: 2, printed: '' })
    expect(err).toContain('would be overwritten')
    expect((await readFile(photo)).equals(await readFile(coffee))).toBe(true)
  })
  it('prints a result that cannot be saved, tells why, and counts it as failed', async () => {
    const out = await inFolder('taken')
    await mkdir(join(out, 'coffee.jpg', 'in the way'), { recursive: true })
    const args = ['detect', coffee, '--model', model, '--out', out, '--format', 'ndjson']
    const { code, out: printed, err } = await boxlet(args)
    expect(code).toBe(3)
    expect(JSON.parse(printed).detections).toHaveLength(1)
    expect(err).toContain('OUTPUT_UNWRITABLE')
    expect(await readdir(out)).toEqual(['coffee.jpg'])
  })
})

describe('boxlet detect --out, of a damaged picture', () => {
  it('draws what --tolerant accepted', async () => {
    const out = await inFolder('tolerant')
    const cut = join(folder, 'half.png')
    await writeFile(cut, (await readFile(coffee)).subarray(0, 100_000))
    const { code, err } = await boxlet(['detect', cut, '--model', model, '--tolerant', '--out', out])
    expect({ code, err }).toEqual({ code: 0, err: `boxlet: 1 annotated picture in ${out}\n` })
    expect(await readdir(out)).toEqual(['half.jpg'])
  })
})

describe('boxlet detect, told to stop', () => {
  it('does not wait for standard input', async () => {
    const args = ['detect', '-', '--model', model]
    const { code, err } = await boxlet(args, { stdin: new PassThrough(), signal: AbortSignal.timeout(1500) })
    expect({ code, err }).toEqual({ code: 1, err: 'boxlet: stopped after 0 of 1 pictures\n' })
  })
  it.skipIf(process.platform === 'win32')('does not wait for a pipe that nobody writes to', async () => {
    const pipe = join(folder, 'pipe')
    spawnSync('mkfifo', [pipe])
    const { err } = await boxlet(['detect', pipe, '--model', model], { signal: AbortSignal.timeout(1500) })
    expect(err).toBe('boxlet: stopped after 0 of 1 pictures\n')
  })
  it('stops between the tiles of a picture', async () => {
    const wide = join(folder, 'wide.png')
    const background = { r: 90, g: 120, b: 60 }
    await sharp({ create: { width: 4000, height: 4000, channels: 3, background } }).toFile(wide)
    const slow = join(folder, 'slow.onnx')
    await writeFile(slow, petsModel(1024))
    const args = ['detect', wide, '--model', slow, '--slice-size', '1000', '--slice-overlap', '0.9']
    const { code, err } = await boxlet(args, { signal: AbortSignal.timeout(1500) })
    expect({ code, err }).toEqual({ code: 1, err: 'boxlet: stopped after 0 of 1 pictures\n' })
  })
})

describe('boxlet detect, called wrongly', () => {
  it.each([
    [['detct'], 'Did you mean "detect"?'],
    [['constructor'], 'Expected a verb'],
    [['detect', coffee, '--clases', 'cat'], 'Did you mean "--classes"?'],
    [['detect', coffee, '--labels', '-5'], 'Write --labels=-5'],
    [['detect', coffee, '--max', '-5'], 'for --max but received "-5"'],
    [['detect', coffee, '--model'], 'Expected a value for --model but received none.'],
    [['detect', coffee, '--slice=yes'], 'Expected no value for --slice'],
    [['detect', ''], 'name of a picture'],
    [['detect', coffee, '--classes', 'cot'], 'Did you mean "cat"?'],
    [['detect', coffee, '--classes', '2'], 'Its classes are cat, dog.'],
    [['detect', coffee, '--labels', 'none.txt'], 'LABELS_INVALID'],
    [['detect', coffee, '--set', 'input.colour=blue'], 'CONTRACT_INVALID'],
  ])('%j is one line and exit code 2', async (args, text) => {
    const { code, err, out } = await boxlet(args, {
      env: args.includes('--model') ? {} : { BOXLET_MODEL: model },
    })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(text)
    expect(err.trim().split('\n')).toHaveLength(1)
  })
  it.each(['file:///photo.jpg', 'ftp://example.com/photo.jpg'])(
    'refuses %s as an address',
    async (address) => {
      expect((await boxlet(['detect', address])).err).toContain('[URL_REFUSED]')
    },
  )
  it('does not fetch when BOXLET_OFFLINE is set', async () => {
    const env = { BOXLET_OFFLINE: '1' }
    const { code, err } = await boxlet(['detect', 'https://example.com/x.jpg', '--model', model], { env })
    expect(code).toBe(3)
    expect(err).toContain('BOXLET_OFFLINE')
  })
  it('names options as the command line does in its hints', async () => {
    const cut = join(folder, 'cut.png')
    await writeFile(cut, (await readFile(coffee)).subarray(0, 100_000))
    expect((await boxlet(['detect', cut, '--model', model])).err).toContain('with --tolerant')
    const small = await boxlet(['detect', coffee, '--model', model, '--max-pixels', '9'])
    expect(small.err).toContain('raise --max-pixels')
  })
})

describe('boxlet.config.json', () => {
  it.each([
    ['{ "minScor": 1 }', 'Did you mean "minScore"?'],
    ['{ "detect": { "minScor": 1 } }', 'for "detect" of boxlet.config.json'],
    ['{\n "minScore": 1,\n}', 'line 3, column 1'],
    ['[]', 'received a list'],
  ])('%j is refused', async (text, expected) => {
    const own = await inFolder('config')
    await writeFile(join(own, 'boxlet.config.json'), text)
    const before = process.cwd()
    // The file is looked for in the working folder, which is of the whole process.
    const { code, err } = await inWorkingFolder(own, () => boxlet(['detect', coffee, '--model', model]))
    expect(process.cwd()).toBe(before)
    expect(code).toBe(2)
    expect(err).toContain(expected)
  })
  it('may hold options of any verb', async () => {
    const own = await inFolder('config')
    await writeFile(
      join(own, 'boxlet.config.json'),
      '{ "port": 80, "eval": { "resamples": 100 }, "minScore": 0.5 }',
    )
    const { code } = await inWorkingFolder(own, () => boxlet(['detect', coffee, '--model', model]))
    expect(code).toBe(0)
  })
  it('is not needed to learn of a misspelt variable', async () => {
    const { code, err } = await boxlet(['detect', coffee, '--model', model], {
      env: { BOXLET_MIN_SCOR: '1' },
    })
    expect(code).toBe(0)
    expect(err).toContain('Did you mean BOXLET_MIN_SCORE?')
  })
})

async function inWorkingFolder<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = process.cwd()
  process.chdir(path)
  try {
    return await work()
  } finally {
    process.chdir(before)
  }
}

describe('a folder', () => {
  it('gives each picture once in spite of links, and tells what is left out', async () => {
    const own = await inFolder('loop')
    await cp(coffee, join(own, 'z.png'))
    await writeFile(join(own, 'notes.txt'), '')
    await symlink('.', join(own, 'again'))
    const { out, err } = await boxlet(['detect', own, '--model', model, '--format', 'ndjson'])
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).source),
    ).toEqual([join(own, 'z.png')])
    expect(err).toContain('left out 1 file')
  })
})

describe.skipIf(process.platform === 'win32')('through a shell', () => {
  const shell = (line: string) =>
    spawnSync('bash', ['-c', line], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, BX: join(ROOT, 'bin/boxlet.js'), PICTURE: coffee },
    })
  it('stores a contract beside the model as the page says', () => {
    const run = shell(
      'node "$BX" model contract pets.onnx > pets.contract.json && node "$BX" detect "$PICTURE" --model pets.onnx',
    )
    expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining('cat') })
    expect(shell(': > pets.contract.json; node "$BX" detect "$PICTURE" --model pets.onnx').status).toBe(0)
  })
  it.skipIf(!existsSync('/dev/full'))('tells in one line that standard output is full', () => {
    for (const verb of ['detect "$PICTURE" --model pets.onnx', 'model list']) {
      const { status, stderr } = shell(`node "$BX" ${verb} > /dev/full`)
      expect(status).toBe(3)
      expect(stderr).toMatch(/^boxlet: .*\[OUTPUT_UNWRITABLE\]\n$/)
    }
  })
  it('prints the version', () => {
    expect(shell('node "$BX" --version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
