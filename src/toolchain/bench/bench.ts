import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Dataset } from '../../datasets/dataset.ts'
import { Detector } from '../../detector/detector.ts'
import type { LoadOptions } from '../../detector/types.ts'
import { BoxletError, throwIfAborted } from '../../errors.ts'
import { DetectorPool } from '../../pool/detector-pool.ts'
import { defaultThreads } from '../../runtime/processors.ts'
import { averagePrecision, findAll } from '../measure/agreement.ts'
import type { ChildResult, ChildTask } from './child.ts'

const CHILD = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/toolchain/bench/child.js', import.meta.url)
  : new URL('./child.js', import.meta.url)

export interface Benched extends ChildResult {
  /** Pictures a second with a model on each processor. */
  perSecond: number
  /** On the labels of a set; undefined without one. */
  ap: number | undefined
}

export interface BenchOptions {
  /** Paths. */
  pictures: readonly string[]
  rounds: number
  load: LoadOptions
  /** Labelled pictures to measure AP on. */
  data?: Dataset | undefined
  signal?: AbortSignal | undefined
  onStage?: (text: string) => void
}

/** What was measured on. */
export const machine = (): string =>
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} processors visible, Node ${process.version}`

/**
 * Measures one model: in a process of its own for what depends on a fresh start, then with a model on each processor.
 *
 * @throws BoxletError as `Detector.load`, ABORTED
 */
export async function benchModel(model: string, options: BenchOptions): Promise<Benched> {
  const { pictures, rounds, load, data, signal, onStage } = options
  onStage?.('one thread')
  const threads = load.threads ?? 1
  const alone = await inChild({ model, load: { ...load, threads }, pictures: [...pictures], rounds }, signal)
  onStage?.('all processors')
  const perSecond = await throughput(model, options)
  let ap: number | undefined
  if (data !== undefined) {
    onStage?.('AP')
    await using detector = await Detector.load(model, load)
    ap = averagePrecision(data, await findAll(detector, model, data, { signal }))
  }
  return { ...alone, perSecond, ap }
}

function inChild(task: ChildTask, signal: AbortSignal | undefined): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(CHILD), JSON.stringify(task)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, err]: Buffer[][] = [[], []]
    const stop = () => child.kill()
    signal?.addEventListener('abort', stop, { once: true })
    child.stdout.on('data', (part: Buffer) => out!.push(part))
    child.stderr.on('data', (part: Buffer) => err!.push(part))
    child.on('error', reject)
    child.on('close', (code) => {
      signal?.removeEventListener('abort', stop)
      if (signal?.aborted) {
        reject(new BoxletError('ABORTED', 'Expected the measurement to finish but it was cancelled.'))
      } else if (code === 0) {
        resolve(JSON.parse(Buffer.concat(out!).toString()) as ChildResult)
      } else {
        const cause = new Error(Buffer.concat(err!).toString())
        reject(
          new BoxletError(
            'MODEL_RUN_FAILED',
            `Expected a process that measures "${task.model}" to finish but it ended with ${code}.`,
            { cause },
          ),
        )
      }
    })
  })
}

/** Seconds that the pool works at least: shorter runs tell more of its start. */
const LEAST_SECONDS = 2

async function throughput(model: string, { pictures, load, signal }: BenchOptions): Promise<number> {
  const workers = defaultThreads()
  await using pool = await DetectorPool.open(model, { ...load, threads: 1, workers })
  const bytes = await Promise.all(pictures.map((path) => readFile(path)))
  await Promise.all(Array.from({ length: workers }, () => pool.detect(bytes[0]!)))
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  let done = 0
  const lane = async () => {
    while (done < bytes.length * workers || seconds() < LEAST_SECONDS) {
      throwIfAborted(signal)
      await pool.detect(bytes[done++ % bytes.length]!)
    }
  }
  // One picture more than there are workers, so that none waits for the next to be read.
  await Promise.all(Array.from({ length: workers + 1 }, lane))
  return done / seconds()
}
