import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../test/corpus.ts'
import { main } from './main.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-doctor-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function doctor(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  stdout.on('data', (part) => out.push(part))
  stderr.on('data', (part) => err.push(part))
  const code = await main(['model', 'doctor', ...args], {
    stdout,
    stderr,
    stdin: Readable.from([]),
    env: {},
    signal: new AbortController().signal,
  })
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
}

describe('boxlet model doctor', () => {
  it('asks for a picture', async () => {
    const { code, err } = await doctor('any.onnx')
    expect(code).toBe(2)
    expect(err).toMatch(/Expected a picture with --image/)
  })
})

describe.skipIf(!hasCorpus)('boxlet model doctor on real models', () => {
  const model = (name: string) => corpusPath(`models/${name}`)
  const bus = () => ['--image', corpusPath('images/scenes/bus.jpg'), '--out', folder]

  it('writes the contract that the model wants', async () => {
    const path = join(folder, 'contract.json')
    const { code, out } = await doctor(
      model('yolo11n-320-int8.onnx'),
      ...bus(),
      ...['--set', 'input.std=[1,1,1]', '--write', path, '--format', 'json'],
    )
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      family: 'yolov8',
      decidedBy: 'agreement',
      set: ['input.std=[255,255,255]'],
      report: join(folder, 'report.html'),
    })
    expect(JSON.parse(await readFile(path, 'utf8')).input.std).toEqual([255, 255, 255])
  })

  it('exits with 1 for a fault that no reading mends', async () => {
    const { code, out } = await doctor(model('yolov8n-640-int8-qdq-dead-scores.onnx'), ...bus())
    expect(code).toBe(1)
    expect(out).toContain('Every score is 0')
    expect(out).toContain('None of the readings tried mends the fault.')
  })
})
