import { once } from 'node:events'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { DetectOptions, DetectorLike } from '../../detector/types.ts'
import { type BoxletError, toBoxletError } from '../../errors.ts'
import { altText } from '../../formats/alt-text.ts'
import type { Outcome, ReportWriter } from '../../formats/report-writer.ts'
import { oneLine } from '../../system/printable.ts'
import { saveFile } from '../../system/save-file.ts'
import { counted } from '../../system/words.ts'
import { tellStack } from '../kit/debug.ts'
import { errorText } from '../kit/error-text.ts'
import { progressLine } from '../kit/progress.ts'
import type { ExitCode, Io } from '../kit/verb.ts'
import { type Copies, saveCopies } from './output.ts'
import { SilenceWatch } from './silence.ts'
import type { PictureSource } from './sources.ts'

/** Pictures in work at once: while one runs, the next are decoded by other threads. More only holds memory. */
const IN_FLIGHT = 3

/** Below this a conclusion about the model is a guess. */
const GUESS = 0.5

export interface DetectRun {
  options: DetectOptions
  writer: ReportWriter
  /** Folder for copies of pictures and for label files. */
  out: string | undefined
  copies: Copies
  /** The model as the user named it. */
  model: string
  altText: boolean
}

/** A result that could not be saved is still a result: it is printed, and the fault told. */
interface Done {
  outcome: Outcome
  unsaved?: BoxletError | undefined
  crops?: number
}

/** Detects in all pictures and prints what is found in their order. */
export async function detectAll(
  detector: DetectorLike,
  sources: readonly PictureSource[],
  run: DetectRun,
  io: Io,
): Promise<ExitCode> {
  const { writer, out } = run
  const silence = new SilenceWatch(detector)
  let running = 0
  const work = async (source: PictureSource): Promise<Done> => {
    try {
      const bytes = await source.read(io.signal)
      running++
      try {
        const done = await detectOne(detector, source, bytes, run, io)
        await silence.look(bytes, done.outcome.result?.detections.length ?? 0, run.options)
        return done
      } finally {
        running--
      }
    } catch (error) {
      return { outcome: { source: source.name, error: toBoxletError(error) } }
    }
  }
  const emit = async (source: PictureSource, { outcome, unsaved }: Done) => {
    const text = writer.picture(outcome)
    if (writer.perPicture === undefined || out === undefined) {
      await write(io.stdout, text)
    } else if (!outcome.error) {
      return unsaved ?? (await faultOf(saveFile(join(out, source.outputStem + writer.perPicture), text)))
    }
    return unsaved
  }
  const tellStop = () => {
    if (running > 0 && !run.options.slice) {
      const pictures = counted(running, 'picture')
      io.stderr.write(`boxlet: finishing ${pictures}; press Ctrl-C again to stop at once\n`)
    }
  }
  io.signal.addEventListener('abort', tellStop, { once: true })
  try {
    await write(io.stdout, writer.begin(detector.model))
    const tally = await inOrder(sources, work, emit, io)
    await write(io.stdout, writer.end())
    const word = io.signal.aborted ? undefined : silence.word(run.model)
    if (word !== undefined) {
      io.stderr.write(`boxlet: ${word}\n`)
    }
    tellEnd(tally, detector, run, io)
    return exitCode(tally, sources.length, io)
  } finally {
    io.signal.removeEventListener('abort', tellStop)
  }
}

/** When the user stops it, a picture in work is finished; only many tiles would keep them waiting. */
async function detectOne(
  detector: DetectorLike,
  source: PictureSource,
  bytes: Uint8Array,
  { options, out, copies, altText: wantsText }: DetectRun,
  io: Io,
): Promise<Done> {
  const result = await detector.detect(bytes, options.slice ? { ...options, signal: io.signal } : options)
  const text = wantsText ? { altText: altText(result.detections) } : {}
  const outcome = { source: source.name, result, ...text }
  if (out === undefined) {
    return { outcome }
  }
  try {
    const crops = await saveCopies(bytes, result, out, source.outputStem, copies, options.image)
    return { outcome, crops }
  } catch (error) {
    return { outcome, unsaved: toBoxletError(error) }
  }
}

const faultOf = (saving: Promise<void>): Promise<BoxletError | undefined> =>
  saving.then(() => undefined, toBoxletError)

interface Tally {
  done: number
  failed: number
  objects: number
  crops: number
}

/** Where results went, and what may be wrong where there are none. */
function tellEnd(
  { done, failed, objects, crops }: Tally,
  { model }: DetectorLike,
  run: DetectRun,
  io: Io,
): void {
  const good = done - failed
  const { out, copies, writer } = run
  if (out !== undefined && good > 0) {
    const kind = copies.draw ? 'annotated picture' : 'blurred picture'
    const written = [
      ...(copies.draw || copies.blur.size > 0 ? [counted(good, kind)] : []),
      ...(writer.perPicture === undefined ? [] : [counted(good, 'label file')]),
      ...(copies.crop ? [counted(crops, 'crop')] : []),
    ]
    io.stderr.write(`boxlet: ${listed(written)} in ${out}\n`)
  }
  const guessed = model.evidence.some(({ about, confidence }) => about === 'labels' && confidence < GUESS)
  if (objects > 0 && guessed) {
    io.stderr.write('boxlet: the model file does not name its classes; give their names with --labels FILE\n')
  }
}

const listed = (parts: readonly string[]): string => parts.join(', ').replace(/, ([^,]*)$/, ' and $1')

/**
 * Works on a few pictures at once and hands the outcomes on in the order of the pictures. When the user
 * stops it, what has begun is finished and nothing more is begun.
 *
 * @param emit gives back why a result could not be saved
 */
async function inOrder(
  sources: readonly PictureSource[],
  work: (source: PictureSource) => Promise<Done>,
  emit: (source: PictureSource, done: Done) => Promise<BoxletError | undefined>,
  io: Io,
): Promise<Tally> {
  const progress = progressLine(io, sources.length, 'pictures')
  const begun: { source: PictureSource; done: Promise<Done> }[] = []
  const tally: Tally = { done: 0, failed: 0, objects: 0, crops: 0 }
  let next = 0
  for (;;) {
    while (begun.length < IN_FLIGHT && next < sources.length && !io.signal.aborted) {
      const source = sources[next++]!
      begun.push({ source, done: work(source) })
    }
    const first = begun.shift()
    if (first === undefined) {
      break
    }
    const done = await first.done
    if (done.outcome.error?.code === 'ABORTED') {
      continue
    }
    const unsaved = await emit(first.source, done)
    const error = done.outcome.error ?? unsaved
    if (error !== undefined) {
      io.stderr.write(`boxlet: ${oneLine(done.outcome.source)}: ${errorText(error)}\n`)
      tellStack(error, io)
      tally.failed++
    }
    tally.done++
    tally.objects += done.outcome.result?.detections.length ?? 0
    tally.crops += done.crops ?? 0
    progress.update(tally.done)
  }
  progress.clear()
  return tally
}

function exitCode({ done, failed }: Tally, total: number, io: Io): ExitCode {
  if (done < total) {
    io.stderr.write(`boxlet: stopped after ${done} of ${total} pictures\n`)
  }
  if (failed === total) {
    return 3
  }
  return failed > 0 || done < total ? 1 : 0
}

async function write(stream: Writable, text: string): Promise<void> {
  if (text !== '' && !stream.write(text)) {
    await once(stream, 'drain')
  }
}
