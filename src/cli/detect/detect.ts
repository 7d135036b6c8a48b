import { Detector } from '../../detector/detector.ts'
import { BoxletError } from '../../errors.ts'
import { FORMATS, reportWriter } from '../../formats/report.ts'
import { classNames, DETECTION_OPTIONS, detectOptions } from '../kit/detection-options.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { DEFAULT_MODEL, MODEL_OPTIONS, modelOptions } from '../kit/model-options.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { checkClasses } from './classes.ts'
import { checkOutput } from './output.ts'
import { detectAll } from './run.ts'
import { pictureSources } from './sources.ts'

const { 'alt-text': altText, 'max-pixels': maxPixels, tolerant, ...toFind } = DETECTION_OPTIONS

const OPTIONS = {
  ...MODEL_OPTIONS,
  model: { ...MODEL_OPTIONS.model, default: DEFAULT_MODEL },
  ...toFind,
  format: {
    type: 'string',
    says: 'how results are printed',
    group: 'Output',
    value: 'F',
    choices: FORMATS,
    default: 'table',
  },
  out: {
    type: 'string',
    says: 'folder for annotated pictures, and for label files with --format yolo or voc',
    group: 'Output',
    value: 'DIR',
    short: 'o',
    completes: 'folder',
    alsoKnownAs: ['output', 'output-dir', 'outdir', 'project', 'save-dir'],
  },
  draw: {
    type: 'boolean',
    says: 'write no annotated pictures: label files, crops or blurred copies alone',
    group: 'Output',
    negation: 'no',
    default: true,
  },
  crop: {
    type: 'boolean',
    says: 'write each object as a picture of its own below --out, in a folder for its label',
    group: 'Output',
    alsoKnownAs: ['crops', 'save-crop', 'save-crops'],
  },
  blur: {
    type: 'string',
    says: 'make objects of these labels unrecognisable in the pictures below --out',
    group: 'Output',
    value: 'A,B',
    multiple: true,
    alsoKnownAs: ['anonymize', 'anonymise', 'pixelate', 'redact'],
  },
  'alt-text': altText,
  'max-pixels': maxPixels,
  tolerant,
  'allow-private': {
    type: 'boolean',
    says: 'fetch from addresses in private networks and without encryption',
    group: 'Pictures',
  },
} as const satisfies Options

export const verb = defineVerb({
  name: 'detect',
  summary: 'Find objects in pictures.',
  about: `PICTURE is a file, a folder (with everything below it), a pattern in quotes, an https address, or - for
    standard input.`,
  inputs: {
    usage: 'PICTURE...',
    noun: 'picture',
    least: 1,
    hint: 'Give files, folders, patterns, https addresses, or - for standard input.',
    completes: 'file',
    alsoKnownAs: ['source', 'image', 'images', 'img', 'input'],
  },
  options: OPTIONS,
  exits: '0 all done, 1 some pictures failed, 2 wrong usage, 3 nothing could be done.',
  examples: [
    'boxlet detect photo.jpg',
    'boxlet detect photos/ --format ndjson --out marked',
    'boxlet detect street.jpg --out safe --no-draw --blur person,car',
    'boxlet detect "shelf-*.png" --model fridge.onnx --labels class_map.json --min-score 0.5',
  ],
  takenFor: ['predict', 'infer'],
  alsoKnownAs: ['inference', 'run', 'find', 'annotate'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const sources = await pictureSources(inputs, {
    stdin: io.stdin,
    env: io.env,
    allowPrivate: values['allow-private'] ?? false,
    onNotice: (line) => io.stderr.write(`boxlet: ${line}\n`),
  })
  const { format } = values
  const writer = reportWriter(
    format,
    sources.map(({ name }) => name),
  )
  if (writer.perPicture !== undefined && values.out === undefined && sources.length > 1) {
    throw new BoxletError(
      'USAGE',
      `Expected --out for --format ${format} and several pictures but received none.`,
      {
        hint: 'This format writes one file for each picture; name a folder for them.',
      },
    )
  }
  const copies = {
    draw: values.draw,
    blur: new Set(classNames(values.blur).map((name) => name.toLowerCase())),
    crop: values.crop ?? false,
  }
  if (values.out !== undefined) {
    await checkOutput(values.out, sources, copies, writer.perPicture)
  } else if (copies.crop || copies.blur.size > 0) {
    const option = copies.crop ? 'crop' : 'blur'
    throw new BoxletError('USAGE', `Expected --out with a folder for --${option} but received none.`)
  }
  const options = detectOptions(values)
  const store = storeProgress(io)
  await using detector = await Detector.load(values.model, {
    ...(await modelOptions(values)),
    ...(store.onProgress && { onProgress: store.onProgress }),
    ...(store.onNotice && { onNotice: store.onNotice }),
    signal: io.signal,
  }).finally(store.end)
  await checkClasses('classes', options.classes ?? [], detector.model.contract)
  await checkClasses('blur', [...copies.blur], detector.model.contract)
  return await detectAll(
    detector,
    sources,
    {
      options,
      writer,
      out: values.out,
      copies,
      model: values.model,
      altText: values['alt-text'] ?? false,
    },
    io,
  )
}
