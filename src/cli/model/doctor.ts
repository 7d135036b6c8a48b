import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Dataset } from '../../datasets/dataset.ts'
import { loadModel } from '../../detector/load.ts'
import { readModelFile } from '../../detector/model-file.ts'
import type { Diagnosis, DoctorPicture } from '../../doctor/diagnosis.ts'
import { endingText } from '../../doctor/ending.ts'
import { BoxletError } from '../../errors.ts'
import { decodeImage } from '../../image/decode/decode.ts'
import { readSignature } from '../../prepare/read-signature.ts'
import { resolveModel } from '../../store/store.ts'
import { defined } from '../../system/defined.ts'
import { oneLine } from '../../system/printable.ts'
import { counted } from '../../system/words.ts'
import { pictureSources } from '../detect/sources.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import { CONTRACT_OPTIONS, MODEL_OPTIONS, modelOptions } from '../kit/model-options.ts'
import type { Options } from '../kit/option-spec.ts'
import { clearStatus, drawStatus } from '../kit/terminal.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { MODEL_INPUT } from './options.ts'

const OPTIONS = {
  image: {
    type: 'string',
    says: 'picture, folder or pattern',
    group: 'Pictures',
    value: 'PICTURE',
    own: true,
    multiple: true,
    completes: 'file',
  },
  annotations: {
    type: 'string',
    says: 'COCO JSON, VOC folder or XML file, or YOLO data.yaml of these pictures: AP then decides',
    group: 'Pictures',
    value: 'DATA',
    completes: 'file',
  },
  limit: {
    type: 'number',
    says: 'most pictures',
    group: 'Pictures',
    own: true,
    integer: true,
    min: 1,
    max: 10_000,
    // Enough for a steady AP of common classes, at some ten runs a picture.
    default: 20,
  },
  ...CONTRACT_OPTIONS,
  threads: MODEL_OPTIONS.threads,
  out: {
    type: 'string',
    says: 'folder for report.html and a picture of each reading',
    group: 'Output',
    value: 'DIR',
    short: 'o',
    own: true,
    otherwise: 'NAME-doctor',
    completes: 'folder',
  },
  write: {
    type: 'string',
    says: 'write the contract that the model wants',
    group: 'Output',
    value: 'FILE',
    completes: 'file',
  },
  format: FORMAT_OPTION,
} as const satisfies Options

export const verb = defineVerb({
  name: 'model doctor',
  summary: 'Try colour order, scale, geometry and box code, and say which the model needs, and by how much.',
  about: `Tries what a contract can get wrong on your pictures: colour order, scale, geometry and box code. Says
    which the model wants and by how much.`,
  inputs: MODEL_INPUT,
  options: OPTIONS,
  exits:
    '0 examined, 1 the model has a fault that no reading fixes, 2 wrong usage, 3 nothing could be examined.',
  examples: [
    'boxlet model doctor fridge.onnx --image photo.jpg --write contract.json',
    'boxlet model doctor fridge.onnx --image photos/ --annotations fridge-voc',
  ],
  alsoKnownAs: ['diagnose'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const name = inputs[0]!
  if (values.image === undefined && values.annotations === undefined) {
    throw usage('Expected a picture with --image, or pictures with --annotations, but received neither.')
  }
  const { limit } = values
  const truth =
    values.annotations === undefined ? undefined : await annotations(values.annotations, values.image, limit)
  const pictures = truth === undefined ? await given(values.image ?? [], limit, io) : await ofTruth(truth)
  const { examine } = await import('../../doctor/doctor.ts')
  const progress = storeProgress(io)
  const resolved = await resolveModel(name, progress).finally(progress.end)
  const signature = await readSignature((await readModelFile(resolved.path)).bytes, basename(resolved.path))
  const model = await loadModel(name, { ...(await modelOptions(values)), asIs: true, signal: io.signal })
  try {
    const diagnosis = await examine(model, pictures, {
      ...defined({ truth }),
      quantization: signature.quantization,
      signal: io.signal,
      onProgress: (line) => drawStatus(io, line),
    })
    const folder = values.out ?? `${model.info.name}-doctor`
    const { writeReport } = await import('../../doctor/report.ts')
    const written = await writeReport(folder, basename(name), pictures[0]!.pixels, diagnosis)
    io.stdout.write(
      values.format === 'json'
        ? `${JSON.stringify(asJson(name, model.info.family, diagnosis, written), undefined, 2)}\n`
        : text(name, model.info.family, diagnosis, written.page),
    )
    if (values.write !== undefined) {
      await writeContract(values.write, diagnosis)
    }
    return diagnosis.findings.some(({ severity }) => severity === 'fault') && diagnosis.set.length === 0
      ? 1
      : 0
  } finally {
    clearStatus(io)
    await model.session.release()
  }
}

const usage = (message: string) =>
  new BoxletError('USAGE', message, { hint: 'Run "boxlet model doctor --help".' })

async function annotations(path: string, images: string[] | undefined, limit: number): Promise<Dataset> {
  const { readTruth } = await import('../../doctor/truth.ts')
  const { isFolder } = await import('../../datasets/picture-files.ts')
  const named: string[] = []
  for (const image of images ?? []) {
    if (!(await isFolder(image))) {
      named.push(image)
    }
  }
  return readTruth(path, named, limit)
}

const decoded = async (name: string, bytes: Uint8Array): Promise<DoctorPicture> => ({
  name,
  pixels: (await decodeImage(bytes)).pixels,
})

async function given(inputs: string[], limit: number, io: Io): Promise<DoctorPicture[]> {
  const sources = await pictureSources(inputs, { stdin: io.stdin, env: io.env, allowPrivate: false })
  const pictures: DoctorPicture[] = []
  for (const source of sources.slice(0, limit)) {
    pictures.push(await decoded(source.name, await source.read(io.signal)))
  }
  return pictures
}

async function ofTruth(truth: Dataset): Promise<DoctorPicture[]> {
  const pictures: DoctorPicture[] = []
  for (const { fileName, path } of truth.images) {
    const bytes = await readFile(path).catch((cause) => {
      throw new BoxletError(
        'IMAGE_NOT_FOUND',
        `Expected the annotated picture "${fileName}" but it is missing.`,
        { cause },
      )
    })
    pictures.push(await decoded(fileName, bytes))
  }
  return pictures
}

/** @throws BoxletError LABELS_INVALID when the contract would name objects wrongly */
async function writeContract(path: string, { contract, labels }: Diagnosis): Promise<void> {
  if (labels === 'unknown' || labels === 'incomplete') {
    throw new BoxletError(
      'LABELS_INVALID',
      `Expected labels that fit the annotations for "${path}" but received others, so it is not written.`,
      { hint: 'Give the labels of training with --labels.' },
    )
  }
  const { writeText } = await import('../../datasets/write.ts')
  await writeText(path, `${JSON.stringify(contract, undefined, 2)}\n`)
}

function asJson(
  name: string,
  family: string,
  diagnosis: Diagnosis,
  written: { page: string; pictures: ReadonlyMap<object, string> },
) {
  const { dimensions, contract: _contract, ...rest } = diagnosis
  return {
    model: name,
    family,
    ...rest,
    dimensions: dimensions.map(({ trials, ...dimension }) => ({
      ...dimension,
      trials: trials.map((trial) => {
        const { shown: _shown, ...facts } = trial
        return { ...facts, picture: written.pictures.get(trial) }
      }),
    })),
    report: written.page,
  }
}

function text(name: string, family: string, diagnosis: Diagnosis, page: string): string {
  const byAp = diagnosis.decidedBy === 'ap'
  const number = (value: number) => (byAp ? (100 * value).toFixed(1) : value.toFixed(2))
  const measure = byAp ? 'AP' : 'agreement'
  const lines = [
    `${basename(name)}: ${family}, judged by ${byAp ? 'AP' : 'agreement with mirror images'} over ${counted(diagnosis.pictures, 'picture')}`,
    '',
    ...diagnosis.findings.map(({ severity, message }) => `${severity.padEnd(8)} ${message}`),
    ...(diagnosis.findings.length > 0 ? [''] : []),
  ]
  for (const { dimension, trials, chosen, gain, leaning } of diagnosis.dimensions) {
    const why =
      gain > 0
        ? ` (+${number(gain)} ${measure})`
        : leaning === undefined
          ? ''
          : ` (${leaning.name} is ${number(leaning.gain)} better, too little to decide by ${counted(diagnosis.pictures, 'picture')})`
    lines.push(`${dimension}: ${chosen}${why}`)
    for (const trial of trials) {
      const mark = trial.name === chosen ? '*' : ' '
      const note = trial.isCurrent ? '  contract' : trial.refused === undefined ? '' : `  ${trial.refused}`
      lines.push(
        `  ${mark} ${trial.name.padEnd(40)} ${measure} ${number(trial.value).padStart(6)}  ${trial.objects} objects${note}`,
      )
    }
  }
  lines.push(
    ...(diagnosis.dimensions.length > 0 ? [''] : []),
    `Pictures: ${page}`,
    ...endingText(diagnosis).split('\n'),
  )
  return `${lines.map(oneLine).join('\n')}\n`
}
