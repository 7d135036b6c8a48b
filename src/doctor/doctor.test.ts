import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { corpusBytes, corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import { loadModel } from '../detector/load.ts'
import type { ContractParts } from '../detector/types.ts'
import { decodeImage } from '../image/decode/decode.ts'
import { readSignature } from '../prepare/read-signature.ts'
import { defined } from '../system/defined.ts'
import type { Diagnosis } from './diagnosis.ts'
import { examine } from './doctor.ts'
import { writeReport } from './report.ts'
import { mirrored, scrambled } from './runner.ts'
import { readTruth } from './truth.ts'

const BUS = 'images/scenes/bus.jpg'

async function diagnose(
  file: string,
  contract?: ContractParts,
  options: { pictures?: string[]; truth?: string; limit?: number; labels?: string[] } = {},
): Promise<Diagnosis> {
  const model = await loadModel(corpusPath(`models/${file}`), {
    asIs: true,
    ...defined({ contract, labels: options.labels }),
  })
  try {
    const truth =
      options.truth === undefined
        ? undefined
        : await readTruth(corpusPath(options.truth), [], options.limit ?? 10)
    const paths =
      truth?.images.map(({ path }) => path) ?? (options.pictures ?? [BUS]).map((path) => corpusPath(path))
    const pictures = await Promise.all(
      paths.map(async (path) => {
        const bytes = new Uint8Array(await readFile(path))
        return { name: path, pixels: (await decodeImage(bytes)).pixels }
      }),
    )
    const signature = await readSignature(corpusBytes(`models/${file}`))
    return await examine(model, pictures, {
      ...defined({ truth }),
      quantization: signature.quantization,
    })
  } finally {
    await model.session.release()
  }
}

describe.skipIf(!hasCorpus)('the doctor, by one picture', () => {
  it.each(['yolox-nano.onnx', 'yolo11n-320-int8.onnx', 'deimv2-atto-320.onnx', 'fastestdet-352.onnx'])(
    'has nothing to change about %s as it is recognised',
    async (file) => {
      expect((await diagnose(file)).set).toEqual([])
    },
  )

  it.each<[string, string, ContractParts, string[]]>([
    ['a scale of 0–255', 'yolo11n-320-int8.onnx', { input: { std: [1, 1, 1] } }, ['input.std=[255,255,255]']],
    ['a scale of 0–1', 'yolox-nano.onnx', { input: { std: [255, 255, 255] } }, ['input.std=[1,1,1]']],
    ['fractions', 'yolo11n-320-int8.onnx', { output: { boxUnits: 'ratio' } }, ['output.boxUnits=pixels']],
    [
      'corners for centres',
      'yolov5n-640-fp16-weights.onnx',
      { output: { boxCode: 'xyxy' } },
      ['output.boxCode=cxcywh'],
    ],
    [
      'decoded boxes for raw ones',
      'yolox-nano.onnx',
      { output: { boxCode: 'cxcywh', options: { decoded: true } } },
      ['output.boxCode=head', 'output.options.decoded=false'],
    ],
  ])('mends %s', async (_, file, contract, set) => {
    const diagnosis = await diagnose(file, contract)
    expect(diagnosis.set).toEqual(set)
  })

  it('says when every score is 0, and why', async () => {
    const { findings } = await diagnose('yolov8n-640-int8-qdq-dead-scores.onnx')
    expect(findings).toMatchObject([{ code: 'scores-zero', severity: 'fault' }])
    expect(findings[0]?.message).toMatch(/^Every score is 0 .*quantized/)
  })

  it('says when a model knows one class', async () => {
    const { findings } = await diagnose('yunet-120x160-priors.onnx')
    expect(findings).toMatchObject([{ code: 'class-agnostic', severity: 'note' }])
  })

  it('says when boxes lie outside', async () => {
    const { findings } = await diagnose('ultraface-rfb-320.onnx', {
      output: { boxUnits: 'ratio', options: { decoded: false } },
    })
    // Fractions read as offsets leave every box at its prior, which is inside; scores are fine.
    expect(findings.filter(({ severity }) => severity === 'fault')).toEqual([])
    const ratio = await diagnose('yolo11n-320-int8.onnx', { output: { boxUnits: 'ratio' } })
    expect(ratio.findings.map(({ code }) => code)).toContain('boxes-outside')
  })

  it('says when a final model is read with rows that are not', async () => {
    const { findings } = await diagnose('yolox-nano.onnx', {
      suppression: { kind: 'none' },
      thresholds: { score: 0.1 },
    })
    expect(findings.map(({ code }) => code)).toContain('duplicates')
  })
})

describe.skipIf(!hasCorpus)('the doctor, by annotations', () => {
  it('finds a turned colour order by AP', async () => {
    const diagnosis = await diagnose(
      'yolo-fastestv2-352.onnx',
      { input: { colour: 'RGB' } },
      { truth: 'coco', limit: 30 },
    )
    expect(diagnosis.decidedBy).toBe('ap')
    expect(diagnosis.set).toContain('input.colour=BGR')
    expect(diagnosis.after).toBeGreaterThan(diagnosis.before)
  })

  it('says when names are off by one', async () => {
    const recognised = await loadModel(corpusPath('models/yolox-nano.onnx'), { asIs: true })
    const names = recognised.info.contract.labels.map((label) => label!)
    await recognised.session.release()
    const shifted = [...names.slice(1), names[0]!]
    const { findings } = await diagnose('yolox-nano.onnx', undefined, {
      truth: 'coco',
      limit: 8,
      labels: shifted,
    })
    expect(findings.map(({ code }) => code)).toContain('labels-shifted')
  })

  it('takes one VOC file for one picture', async () => {
    const picture = corpusPath('voc/bccd/JPEGImages/BloodImage_00007.jpg')
    const truth = await readTruth(corpusPath('voc/bccd/Annotations/BloodImage_00007.xml'), [picture], 1)
    expect(truth.annotations.length).toBeGreaterThan(0)
    expect(truth.images).toMatchObject([{ path: picture }])
  })
})

describe.skipIf(!hasCorpus)('the report of the doctor', () => {
  it('has a picture of each reading', async () => {
    const diagnosis = await diagnose('yolo-fastestv2-352.onnx')
    const folder = await mkdtemp(join(tmpdir(), 'boxlet-doctor-'))
    try {
      const { pixels } = await decodeImage(corpusBytes(BUS))
      const before = new Uint8Array(pixels.data)
      await writeReport(folder, 'a <model>', pixels, diagnosis)
      expect(Buffer.compare(before, pixels.data)).toBe(0)
      const files = await readdir(folder)
      const trials = diagnosis.dimensions.flatMap((dimension) => dimension.trials)
      expect(files.filter((file) => file.endsWith('.jpg'))).toHaveLength(trials.length)
      const page = await readFile(join(folder, 'report.html'), 'utf8')
      expect(page).toContain('a &lt;model&gt;')
      for (const file of files.filter((name) => name.endsWith('.jpg'))) {
        expect(page).toContain(file)
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('pictures to compare with', () => {
  const picture = { width: 40, height: 20, data: Uint8Array.from({ length: 2400 }, (_, i) => i % 251) }

  it('a mirror image of a mirror image is the picture', () => {
    expect(mirrored(mirrored(picture))).toEqual(picture)
  })

  it('scrambling keeps the pixels and leaves the picture alone', () => {
    const before = picture.data.slice()
    const pieces = scrambled({ ...picture, data: Buffer.from(picture.data.buffer) })
    expect(picture.data).toEqual(before)
    expect(pieces.data).not.toEqual(before)
    expect([...pieces.data].sort()).toEqual([...before].sort())
  })
})
