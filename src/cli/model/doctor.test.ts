import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { main } from '../main.ts'

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

  it('exits with 1 for a fault that no reading fixes', async () => {
    const { code, out } = await doctor(model('yolov8n-640-int8-qdq-dead-scores.onnx'), ...bus())
    expect(code).toBe(1)
    expect(out).toContain('Every score is 0')
    expect(out).toContain('None of the readings tried fixes the fault.')
  })

  const last = (out: string) => out.trimEnd().split('\n').at(-1)
  const cells = async (...labels: string[]) => {
    const list = join(folder, 'labels.txt')
    await writeFile(list, labels.map((label) => `${label}\n`).join(''))
    const path = join(folder, `${labels.join('-')}.json`)
    const annotated = ['--annotations', corpusPath('voc/bccd'), '--limit', '6', '--out', folder]
    const file = model('retinanet-bccd-384-icevision.onnx')
    return { path, ...(await doctor(file, ...annotated, '--labels', list, '--write', path)) }
  }

  it('judges by the moved labels when names are off by one, and writes those', async () => {
    const { path, out } = await cells('RBC', 'WBC', 'Platelets')
    const right = await cells('background', 'RBC', 'WBC', 'Platelets')
    expect(last(out)).toMatch(/^The labels are the fault: .*--write FILE writes the moved list/)
    const written = JSON.parse(await readFile(path, 'utf8'))
    expect(written.labels).toEqual([null, 'RBC', 'WBC', 'Platelets'])
    const readings = (text: string) => text.split('\n').filter((line) => / AP .* objects/.test(line))
    expect(readings(out)).toEqual(readings(right.out))
    expect(last(right.out)).not.toContain('labels')
    expect(written.input).toEqual(JSON.parse(await readFile(right.path, 'utf8')).input)
  })

  it.each([
    ['foreign', ['cat', 'dog', 'cow', 'hen']],
    ['no', ['class 0', 'class 1', 'class 2', 'class 3']],
  ])('judges by boxes and writes nothing under %s names', async (_, labels) => {
    const { code, path, out, err } = await cells(...labels)
    expect(last(out)).toMatch(/^The labels are the fault: .*by boxes alone, and no contract is written/)
    expect(err).toContain('LABELS_INVALID')
    expect(code).not.toBe(0)
    await expect(stat(path)).rejects.toThrow()
  })

  it('does not call a contract right that finds nothing', async () => {
    const zidane = ['--image', corpusPath('images/scenes/zidane.jpg'), '--out', folder]
    const { out } = await doctor(model('yunet-120x160-full-integer.tflite'), ...zidane)
    expect(last(out)).toMatch(/^Nothing found: /)
    expect(out).toMatch(/warning +No score is above .* badly quantized/)
  })

  it('leaves open what one picture cannot decide', async () => {
    const { out } = await doctor(model('yolox-nano.onnx'), ...bus(), '--set', 'input.colour=RGB')
    expect(last(out)).toMatch(/^Not decided .*: give five pictures or annotations; colour BGR/)
  })

  it('calls a contract right when no other reading is ahead', async () => {
    const { out } = await doctor(model('deimv2-atto-320.onnx'), ...bus())
    expect(last(out)).toMatch(/^The contract reads the model as it wants to be read/)
  })
})
