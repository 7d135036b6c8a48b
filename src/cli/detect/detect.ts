import { Detector } from '../../detector/detector.ts'
import type { DetectOptions } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { FORMATS, type Format, reportWriter } from '../../formats/report.ts'
import { defined } from '../../system/defined.ts'
import { readSettings, type Settings } from '../kit/config.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { DEFAULT_MODEL, MODEL_OPTIONS, modelOptions } from '../kit/model-options.ts'
import type { ExitCode, Io, Verb } from '../kit/verb.ts'
import { checkClasses } from './classes.ts'
import { checkOutput } from './output.ts'
import { detectAll } from './run.ts'
import { pictureSources } from './sources.ts'

const OPTIONS = {
  ...MODEL_OPTIONS,
  'min-score': { type: 'number', min: 0, max: 1 },
  iou: { type: 'number', min: 0, max: 1 },
  max: { type: 'number', integer: true, min: 1, max: 100_000 },
  classes: { type: 'string', multiple: true },
  format: { type: 'string', choices: FORMATS },
  out: { type: 'string', short: 'o' },
  'alt-text': { type: 'boolean' },
  slice: { type: 'boolean' },
  'slice-size': { type: 'number', integer: true, min: 32, max: 65_536 },
  'slice-overlap': { type: 'number', min: 0, max: 0.9 },
  'max-pixels': { type: 'number', integer: true, min: 1 },
  tolerant: { type: 'boolean' },
  'allow-private': { type: 'boolean' },
  'every-class': { type: 'boolean' },
} as const

export const verb: Verb = {
  name: 'detect',
  summary: 'Find objects in pictures.',
  help: `boxlet detect PICTURE... [options]

PICTURE is a file, a folder (with all below), a pattern in quotes, an https address, or - for standard input.

Model
  --model NAME|FILE     name in the catalogue, or an .onnx or .tflite file (default yolov8n)
  --labels FILE         class names: classes.txt, data.yaml, class_map.json, ...
  --contract FILE       what the model expects and gives, instead of what is recognised
  --set PATH=VALUE      one part of the contract, e.g. --set input.colour=BGR (may be repeated)
  --threads N           threads of one run (default: the processor quota)
  --as-is               run the graph of the file, not the equivalent faster one

What to find
  --min-score S         least score, 0-1 (default: the model's, often 0.25)
  --iou I               overlap above which the weaker box of a class goes, 0-1
  --max N               most objects in a picture
  --classes A,B         only these labels or class ids (may be repeated)
  --every-class         several classes for one prediction, as reference evaluations do
  --slice               look at overlapping tiles too, for small objects in large pictures
  --slice-size N        edge of a tile in pixels (default: the larger edge of the model input)
  --slice-overlap S     share that neighbouring tiles have in common, 0-0.9 (default 0.2)

Output
  --format F            ${FORMATS.join(' | ')} (default table)
  --out DIR, -o DIR     annotated pictures go here; label files too with yolo and voc
  --alt-text            one sentence for each picture

Pictures
  --max-pixels N        refuse pictures that declare more (default 134217728)
  --tolerant            take what can be read of a damaged picture
  --allow-private       fetch addresses in private networks and without encryption

Exit codes: 0 all done, 1 some pictures failed, 2 wrong usage, 3 nothing could be done.

Examples
  boxlet detect photo.jpg
  boxlet detect photos/ --format ndjson --out marked
  boxlet detect "shelf-*.png" --model fridge.onnx --labels class_map.json --min-score 0.5
`,
  run,
}

async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('detect', args, OPTIONS, io.env)
  if (positionals.length === 0) {
    throw new BoxletError('USAGE', 'Expected at least one picture but received none.', {
      hint: 'Give files, folders, patterns, https addresses, or - for standard input.',
    })
  }
  const sources = await pictureSources(positionals, {
    stdin: io.stdin,
    env: io.env,
    allowPrivate: values['allow-private'] ?? false,
    onNotice: (line) => io.stderr.write(`boxlet: ${line}\n`),
  })
  const format = (values.format ?? 'table') as Format
  const writer = reportWriter(
    format,
    sources.map(({ name }) => name),
  )
  if (writer.perPicture !== undefined && values.out === undefined && sources.length > 1) {
    throw new BoxletError(
      'USAGE',
      `Expected --out for --format ${format} and several pictures but received none.`,
      {
        hint: 'This format is one file a picture; name the folder for them.',
      },
    )
  }
  if (values.out !== undefined) {
    await checkOutput(values.out, sources, writer.perPicture)
  }
  const options = detectOptions(values)
  const store = storeProgress(io)
  await using detector = await Detector.load(values.model ?? DEFAULT_MODEL, {
    ...(await modelOptions(values)),
    ...(store.onProgress && { onProgress: store.onProgress }),
    ...(store.onNotice && { onNotice: store.onNotice }),
    signal: io.signal,
  }).finally(store.end)
  await checkClasses(options.classes ?? [], detector.model.contract)
  return await detectAll(
    detector,
    sources,
    { options, writer, out: values.out, altText: values['alt-text'] ?? false },
    io,
  )
}

function detectOptions(values: Settings<typeof OPTIONS>): DetectOptions {
  const slice = values.slice || values['slice-size'] !== undefined || values['slice-overlap'] !== undefined
  return {
    ...defined({ minScore: values['min-score'], iou: values.iou, maxDetections: values.max }),
    ...(values.classes && {
      classes: values.classes
        .flatMap((list) => list.split(',').map((name) => name.trim()))
        .filter((name) => name !== ''),
    }),
    ...(slice && {
      slice: {
        ...defined({ size: values['slice-size'], overlap: values['slice-overlap'] }),
      },
    }),
    ...(values['every-class'] && { everyClass: true }),
    image: {
      ...defined({ maxPixels: values['max-pixels'] }),
      ...(values.tolerant && { tolerant: true }),
    },
  }
}
