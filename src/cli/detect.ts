import { once } from 'node:events'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { Detector } from '../detector.ts'
import type { DetectOptions, DetectResult } from '../detector-types.ts'
import { BoxletError, toBoxletError } from '../errors.ts'
import { altText } from '../formats/alt-text.ts'
import { FORMATS, type Format, reportWriter } from '../formats/report.ts'
import type { Outcome } from '../formats/report-writer.ts'
import { readSettings, type Settings } from './config.ts'
import { type PictureSource, pictureSources } from './detect-sources.ts'
import { storeProgress } from './download-progress.ts'
import { DEFAULT_MODEL, MODEL_OPTIONS, modelOptions } from './model-options.ts'
import { progressLine } from './progress.ts'
import { saveFile } from './save-file.ts'
import type { ExitCode, Io, Verb } from './verb.ts'

/** Pictures in work at once: while one runs, the next are decoded by other threads. More only holds memory. */
const IN_FLIGHT = 3

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
    allowPrivate: values['allow-private'] ?? false,
  })
  const format = (values.format ?? 'table') as Format
  const writer = reportWriter(format)
  if (writer.perPicture !== undefined && values.out === undefined && sources.length > 1) {
    throw new BoxletError(
      'USAGE',
      `Expected --out for --format ${format} and several pictures but received none.`,
      {
        hint: 'This format is one file a picture; name the folder for them.',
      },
    )
  }
  const store = storeProgress(io)
  await using detector = await Detector.load(values.model ?? DEFAULT_MODEL, {
    ...(await modelOptions(values)),
    ...(store.onProgress && { onProgress: store.onProgress }),
    ...(store.onNotice && { onNotice: store.onNotice }),
    signal: io.signal,
  }).finally(store.end)
  const options = detectOptions(values)
  const work = async (source: PictureSource): Promise<Outcome> => {
    try {
      const bytes = await source.read(io.signal)
      const result = await detector.detect(bytes, options)
      if (values.out !== undefined) await saveAnnotated(bytes, result, join(values.out, source.outputStem))
      return {
        source: source.name,
        result,
        ...(values['alt-text'] && { altText: altText(result.detections) }),
      }
    } catch (error) {
      return { source: source.name, error: toBoxletError(error) }
    }
  }
  await write(io.stdout, writer.begin(detector.model))
  const tally = await inOrder(sources, work, io, async (source, outcome) => {
    const text = writer.picture(outcome)
    if (writer.perPicture === undefined || values.out === undefined) await write(io.stdout, text)
    else if (!outcome.error) await saveFile(join(values.out, source.outputStem + writer.perPicture), text)
  })
  await write(io.stdout, writer.end())
  return exitCode(tally, sources.length, io)
}

function detectOptions(values: Settings<typeof OPTIONS>): DetectOptions {
  const slice = values.slice || values['slice-size'] !== undefined || values['slice-overlap'] !== undefined
  return {
    ...(values['min-score'] !== undefined && { minScore: values['min-score'] }),
    ...(values.iou !== undefined && { iou: values.iou }),
    ...(values.max !== undefined && { maxDetections: values.max }),
    ...(values.classes && {
      classes: values.classes.flatMap((list) => list.split(',').map((name) => name.trim())),
    }),
    ...(slice && {
      slice: {
        ...(values['slice-size'] !== undefined && { size: values['slice-size'] }),
        ...(values['slice-overlap'] !== undefined && { overlap: values['slice-overlap'] }),
      },
    }),
    ...(values['every-class'] && { everyClass: true }),
    image: {
      ...(values['max-pixels'] !== undefined && { maxPixels: values['max-pixels'] }),
      ...(values.tolerant && { tolerant: true }),
    },
  }
}

interface Tally {
  done: number
  failed: number
}

/**
 * Works on a few pictures at once and hands the outcomes on in the order of the pictures. When the user
 * stops it, what has begun is finished and nothing more is begun.
 */
async function inOrder(
  sources: readonly PictureSource[],
  work: (source: PictureSource) => Promise<Outcome>,
  io: Io,
  emit: (source: PictureSource, outcome: Outcome) => Promise<void>,
): Promise<Tally> {
  const progress = progressLine(io, sources.length, 'pictures')
  const begun: { source: PictureSource; outcome: Promise<Outcome> }[] = []
  const tally: Tally = { done: 0, failed: 0 }
  let next = 0
  for (;;) {
    while (begun.length < IN_FLIGHT && next < sources.length && !io.signal.aborted) {
      const source = sources[next++]!
      begun.push({ source, outcome: work(source) })
    }
    const first = begun.shift()
    if (first === undefined) break
    const outcome = await first.outcome
    if (outcome.error?.code === 'ABORTED') continue
    if (outcome.error !== undefined) {
      progress.clear()
      io.stderr.write(`boxlet: ${outcome.source}: ${errorText(outcome.error)}\n`)
      tally.failed++
    }
    await emit(first.source, outcome)
    tally.done++
    progress.update(tally.done)
  }
  progress.clear()
  return tally
}

function exitCode({ done, failed }: Tally, total: number, io: Io): ExitCode {
  if (done < total) io.stderr.write(`boxlet: stopped after ${done} of ${total} pictures\n`)
  if (failed === total) return 3
  return failed > 0 || done < total ? 1 : 0
}

const errorText = ({ message, hint, code }: BoxletError): string =>
  `${message}${hint === undefined ? '' : ` ${hint}`} [${code}]`

async function saveAnnotated(bytes: Uint8Array, result: DetectResult, stem: string): Promise<void> {
  const { drawDetections } = await import('../image/draw.ts')
  const picture = await drawDetections(bytes, result.detections, { format: 'jpeg' })
  await saveFile(`${stem}.jpg`, picture)
}

async function write(stream: Writable, text: string): Promise<void> {
  if (text !== '' && !stream.write(text)) await once(stream, 'drain')
}
