import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { tinyYolox, writeShapes } from '../../../test/support/tiny-yolox.ts'
import { parseModel } from '../../onnx/read/parse.ts'

let folder: string
let data: string
let base: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-teach-'))
  data = await writeShapes(join(folder, 'shapes'), { train: 40, val: 12, test: 12 })
  base = join(folder, 'tiny.onnx')
  await writeFile(base, tinyYolox(['something']))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const teach = (...args: string[]) => boxlet(['teach', data, '--base', base, '--workers', '2', ...args])

describe('boxlet teach', () => {
  it('makes a file with contract and report, and says of it what eval says', async () => {
    const out = join(folder, 'shapes.onnx')
    const {
      code,
      out: text,
      err,
    } = await teach('--epochs', '20', '--learn', '1', '--rate', '0.004', '--out', out, '--format', 'json')
    expect({ code, err }).toMatchObject({ code: 0 })
    const report = JSON.parse(text)
    expect(report.measured.part).toBe('test')
    const { rounds } = report.history
    expect(rounds.at(-1).losses.box).toBeLessThan(rounds[0].losses.box)
    expect(report.measured.interval.ap50.low).toBeLessThanOrEqual(report.measured.stats.ap50)
    expect(report.measured.interval.ap50.high).toBeGreaterThanOrEqual(report.measured.stats.ap50)
    expect(report.history.validations.length).toBeGreaterThan(1)

    const measured = await boxlet([
      'eval',
      out,
      '--data',
      data,
      '--split',
      'test',
      '--no-reuse',
      '--format',
      'json',
    ])
    expect(JSON.parse(measured.out).stats).toEqual(report.measured.stats)

    const { metadata } = parseModel(await readFile(out))
    expect(JSON.parse(metadata.get('names')!)).toEqual({ 0: 'red', 1: 'green', 2: 'blue' })
    expect(JSON.parse(metadata.get('boxlet.training')!)).toMatchObject({
      command: report.command,
      train: { pictures: 40 },
    })
    const contract = JSON.parse(await readFile(join(folder, 'shapes.contract.json'), 'utf8'))
    expect(contract).toMatchObject({ family: 'yolox', labels: ['red', 'green', 'blue'] })
    expect(contract.thresholds.score).toBeLessThan(1)
    expect(JSON.parse(metadata.get('boxlet.contract')!)).toEqual(contract)
    expect(await readFile(join(folder, 'shapes.report.html'), 'utf8')).toContain('How it learned')
    expect((await readdir(folder)).filter((name) => /part|state/.test(name))).toEqual([])
  })

  it.skipIf(!hasCorpus)('learns what shapes look like from a model of photographs, in seconds', async () => {
    const { code, out } = await boxlet([
      ...['teach', data, '--base', corpusPath('models/yolox-nano.onnx'), '--size', '96', '--epochs', '6'],
      ...['--mosaic', '0', '--out', join(folder, 'nano.onnx'), '--format', 'json'],
    ])
    expect(code).toBe(0)
    expect(JSON.parse(out).measured.stats.ap50).toBeGreaterThan(0.7)
  })

  it('makes the same weights again with the command that it prints', async () => {
    const first = join(folder, 'one.onnx')
    const { out } = await teach('--epochs', '2', '--out', first, '--format', 'json')
    const again = JSON.parse(out).command.split(' ').slice(1)
    again[again.length - 1] = join(folder, 'two.onnx')
    expect((await boxlet(again)).code).toBe(0)
    const weights = async (name: string) => {
      const bytes = await readFile(join(folder, name))
      const model = parseModel(bytes)
      return [...model.graph.initializers.values()].map(({ raw }) => bytes.subarray(raw!.start, raw!.end))
    }
    expect(await weights('two.onnx')).toEqual(await weights('one.onnx'))
  })

  it('draws the first inputs and stops with --preview', async () => {
    const out = join(folder, 'look.onnx')
    const { code, out: text, err } = await teach('--preview', '--out', out)
    expect({ code, text }).toEqual({ code: 0, text: '' })
    expect(err).toContain('look.preview.html')
    expect(await readFile(join(folder, 'look.preview.html'), 'utf8')).toMatch(/<rect class="hit"/)
    expect(await readdir(folder)).not.toContain('look.onnx')
  })

  it('writes what was learned when it is stopped, and goes on to the numbers of an unbroken run', async () => {
    const whole = await teach('--epochs', '8', '--out', join(folder, 'whole.onnx'), '--format', 'json')
    const stop = new AbortController()
    const args = ['teach', data, '--base', base, '--workers', '2', '--epochs', '8', '--format', 'json']
    const out = join(folder, 'halves.onnx')
    const running = boxlet([...args, '--page', '--out', out], { signal: stop.signal })
    // Some steps into the run; which one does not matter.
    const first = await Promise.race([
      running,
      stepsDone(join(folder, 'halves.part.onnx')).then(() => undefined),
    ])
    expect(first).toBeUndefined()
    stop.abort()
    const stopped = await running
    expect(stopped.code).toBe(1)
    expect(JSON.parse(stopped.out)).toMatchObject({ endedBy: 'asked' })
    expect(await readdir(folder)).toContain('halves.teach-state')
    const rest = await boxlet([...args, '--resume', '--out', out])
    expect(rest).toMatchObject({ code: 0, err: expect.stringContaining('Going on after step') })
    expect(JSON.parse(rest.out).measured.stats).toEqual(JSON.parse(whole.out).measured.stats)
    expect(JSON.parse(rest.out).history.validations).toEqual(JSON.parse(whole.out).history.validations)
  })

  it('goes on with no run of other settings, says when there is none, and reads no damaged one', async () => {
    const out = join(folder, 'other.onnx')
    const state = join(folder, 'other.teach-state')
    const fresh = await teach('--epochs', '1', '--resume', '--out', out)
    expect(fresh).toMatchObject({ code: 0, err: expect.stringContaining('no stopped run') })
    const stop = new AbortController()
    const running = boxlet(
      ['teach', data, '--base', base, '--workers', '2', '--epochs', '8', '--out', out, '--force'],
      { signal: stop.signal },
    )
    await Promise.race([running, stepsDone(join(folder, 'other.part.onnx'))])
    stop.abort()
    await running
    const other = await teach('--epochs', '8', '--rate', '0.01', '--resume', '--out', out)
    expect(other).toMatchObject({ code: 3, err: expect.stringContaining('other pictures or settings') })
    await writeFile(state, (await readFile(state)).subarray(0, 5000))
    const damaged = await teach('--epochs', '8', '--resume', '--out', out)
    expect(damaged).toMatchObject({ code: 3, err: expect.stringContaining('[TEACHING_FAILED]') })
  })

  it('learns nothing again when only its file could not be written', async () => {
    const out = join(folder, 'full.onnx')
    const inTheWay = join(folder, 'full.contract.json')
    await mkdir(inTheWay)
    const failed = await teach('--epochs', '2', '--out', out)
    expect(failed).toMatchObject({ code: 3, err: expect.stringContaining('[OUTPUT_UNWRITABLE]') })
    await rm(inTheWay, { recursive: true })
    const { code, err } = await teach('--epochs', '2', '--resume', '--out', out)
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('Going on after step 20.') })
    expect((await readdir(folder)).filter((name) => name.startsWith('full.')).sort()).toEqual([
      ...['full.contract.json', 'full.onnx', 'full.report.html', 'full.report.json'],
    ])
  })

  it('says what more pictures would bring with --curve', async () => {
    const out = join(folder, 'curve.onnx')
    const args = ['--epochs', '3', '--learn', '1', '--curve', '--out', out, '--format', 'json']
    const { code, out: text } = await teach(...args)
    expect(code).toBe(0)
    const { curve } = JSON.parse(text)
    expect(curve.points.map(({ pictures }: { pictures: number }) => pictures)).toEqual([10, 20, 40])
    expect(curve.more.pictures).toBe(50)
    expect((await readdir(folder)).filter((name) => /curve\.(curve|part)/.test(name))).toEqual([])
  })

  it('says before anything is spent what is wrong with the set', async () => {
    const bad = await writeShapes(join(folder, 'bad'), { train: 4, val: 2, test: 2 })
    await writeFile(join(folder, 'bad/labels/train/train0.txt'), '0 0.9 0.9 0.5 0.5\n1 0.5 0.5 0.2 0.2\n')
    await writeFile(join(folder, 'bad/images/train/train1.png'), 'no picture')
    const faults = await boxlet(['teach', bad, '--base', base, '--out', join(folder, 'bad.onnx')])
    expect(faults.code).toBe(3)
    expect(faults.err).toContain('[DATASET_UNFIT]')
    expect(faults.err).toMatch(/train0\.txt:1: Expected a box inside/)
    expect(faults.err).toMatch(/train1\.png: .*\(picture-unreadable/)
    const few = await boxlet([
      'teach',
      bad,
      '--base',
      base,
      '--problems',
      'skip',
      '--out',
      join(folder, 'bad.onnx'),
    ])
    expect(few.err).toMatch(/Expected at least 10 objects of "red" to learn from but received \d/)
  })

  it('refuses a model of another family by name', async () => {
    const { constantModel } = await import('../../../test/support/onnx-graph.ts')
    const other = join(folder, 'other.onnx')
    const outputs = [{ name: 'output0', shape: [1, 6, 84], values: new Float32Array(6 * 84) }]
    await writeFile(
      other,
      constantModel([{ name: 'images', shape: [1, 3, 64, 64] }], outputs, { names: "{0: 'cat', 1: 'dog'}" }),
    )
    const { code, err } = await boxlet(['teach', data, '--base', other, '--out', join(folder, 'x.onnx')])
    expect(code).toBe(3)
    expect(err).toMatch(/Expected a YOLOX model .* family "yolov8".* \[MODEL_UNSUPPORTED\]/)
  })
})

/** Resolves once a validation has begun. */
async function stepsDone(path: string): Promise<void> {
  const { stat } = await import('node:fs/promises')
  while ((await stat(path).catch(() => undefined)) === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
