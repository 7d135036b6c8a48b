import { readFile } from 'node:fs/promises'
import { Detector } from '../../detector/detector.ts'
import { feeds } from '../../detector/feeds.ts'
import { place, prepare } from '../../detector/pipeline.ts'
import type { LoadOptions } from '../../detector/types.ts'
import { decodeImage } from '../../image/decode/decode.ts'
import { median, quantile } from '../measure/timing.ts'

/** What the parent asks for, as JSON in the first argument. */
export interface ChildTask {
  model: string
  load: LoadOptions
  pictures: string[]
  rounds: number
}

/** One model in a process of its own. Milliseconds by the clock, megabytes. */
export interface ChildResult {
  name: string
  family: string
  /** From the start of the process to a model that is open, and from there to the boxes of the first picture. */
  start: number
  first: number
  median: number
  p95: number
  /** Median of the run alone, on the file as it is and its own input size. */
  floor: number
  /** The whole path over that floor, each pair taken one after the other. */
  overFloor: number
  /** Most that the process held. */
  memory: number
}

const task = JSON.parse(process.argv[2]!) as ChildTask
process.stdout.write(JSON.stringify(await measure(task)))

async function measure({ model, load, pictures, rounds }: ChildTask): Promise<ChildResult> {
  const detector = await Detector.load(model, load)
  const start = performance.now()
  const bytes = await Promise.all(pictures.map((path) => readFile(path)))
  const first = await timed(() => detector.detect(bytes[0]!))
  // The memory of the detector alone, before the file is opened a second time.
  const memory = process.resourceUsage().maxRSS / 1000
  await using plain = await Detector.load(model, { ...load, asIs: true })
  const { contract } = plain.model
  const times: number[] = []
  const floors: number[] = []
  for (let round = -1; round < rounds; round++) {
    for (const picture of bytes) {
      const whole = await timed(() => detector.detect(picture))
      const { pixels, size } = await decodeImage(picture)
      const given = feeds(contract, [prepare(place(pixels, contract, size), contract)])
      const floor = await timed(() => plain.infer(given))
      if (round >= 0) {
        times.push(whole)
        floors.push(floor)
      }
    }
  }
  await detector.dispose()
  return {
    name: detector.model.name,
    family: detector.model.family,
    start,
    first,
    median: median(times),
    p95: quantile(times, 0.95),
    floor: median(floors),
    overFloor: median(times.map((time, at) => time / floors[at]!)),
    memory,
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}
