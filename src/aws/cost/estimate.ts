import { defined } from '../../system/defined.ts'
import { MB_PER_VCPU } from '../emulator/function-config.ts'
import type { Architecture } from '../package/architecture.ts'
import { jobLines } from './jobs-cost.ts'
import { PRICES, tiered } from './prices.ts'
import { HOURS_PER_MONTH, watchLines } from './watch-cost.ts'
import type { CostLine, Workload } from './workload.ts'

export type { CostLine, Workload } from './workload.ts'

/**
 * Assumed for yolov8n until the user gives what `bench/lambda.js` or `boxlet tune` measures on their model: the
 * times of that bench at one processor, and what a warm request logs, with Lambda's own three lines.
 */
export const ASSUMED = { cpuMs: 48, coldMs: 131, answerBytes: 1500, logBytes: 1100 } as const

export interface Estimate {
  name: string
  lines: CostLine[]
  /** A month. */
  dollars: number
  imagesPerDollar: number
  note?: string
}

const GIGABYTE = 1e9
/** Images a second that one always-on machine is planned for, so that it keeps room for bursts. */
const TARGET_LOAD = 0.6

function total(name: string, lines: CostLine[], images: number, note?: string): Estimate {
  const dollars = lines.reduce((sum, line) => sum + line.dollars, 0)
  const imagesPerDollar = dollars === 0 ? Number.POSITIVE_INFINITY : images / dollars
  return { name, lines, dollars, imagesPerDollar, ...defined({ note }) }
}

function transfer({ imagesPerMonth, answerBytes, freeTier }: Workload): CostLine {
  const gigabytes = (imagesPerMonth * answerBytes) / GIGABYTE
  const billed = Math.max(0, gigabytes - (freeTier ? PRICES.transfer.freeGigabytes : 0))
  return { what: 'transfer out', dollars: billed * PRICES.transfer.price }
}

/** Answers of more than 6 MB only. */
function streamed({ imagesPerMonth, answerBytes }: Workload): CostLine[] {
  const { price, freeBytes } = PRICES.lambda.streamed
  const bytes = imagesPerMonth * Math.max(0, answerBytes - freeBytes)
  return bytes === 0 ? [] : [{ what: 'streaming', dollars: (bytes / GIGABYTE) * price }]
}

export function lambdaCost(load: Workload, arch: Architecture): Estimate {
  const { imagesPerMonth: images, memoryMb, warmMs, coldMs, coldShare, logBytes, httpApi, freeTier } = load
  const { lambda } = PRICES
  const memoryGb = memoryMb / 1024
  const free = freeTier ? lambda.free : { requests: 0, gigabyteSeconds: 0 }
  const seconds = (ms: number): number => (images * ms * memoryGb) / 1000
  const warm = seconds(warmMs)
  const cold = seconds(coldMs * coldShare)
  const billed = Math.max(0, warm + cold - free.gigabyteSeconds)
  const duration = tiered(lambda.duration[arch], billed)
  const coldPart = warm + cold === 0 ? 0 : (duration * cold) / (warm + cold)
  return total(
    `Lambda ${arch}, ${memoryMb} MB`,
    [
      { what: 'duration', dollars: duration - coldPart },
      { what: 'cold starts', dollars: coldPart },
      { what: 'requests', dollars: Math.max(0, images - free.requests) * lambda.request },
      ...(httpApi ? [{ what: 'API Gateway', dollars: images * PRICES.httpApiRequest }] : []),
      { what: 'logs', dollars: ((images * logBytes) / GIGABYTE) * PRICES.logsGigabyte },
      ...streamed(load),
      transfer(load),
      ...watchLines(load),
    ],
    images,
  )
}

export const rekognitionCost = (load: Workload): Estimate =>
  total(
    'Rekognition DetectLabels',
    [{ what: 'images', dollars: tiered(PRICES.rekognition.image, load.imagesPerMonth) }, transfer(load)],
    load.imagesPerMonth,
  )

/** As many machines as the average load needs; bursts above twice the average need more. */
export function instanceCost(load: Workload): Estimate {
  const { instance } = PRICES
  const perSecond = load.imagesPerMonth / (HOURS_PER_MONTH * 3600)
  const capacity = (instance.vcpus * 1000 * TARGET_LOAD) / cpuMsOf(load)
  const machines = Math.max(1, Math.ceil(perSecond / capacity))
  return total(
    `${instance.name} always on`,
    [
      { what: `${machines} × ${HOURS_PER_MONTH} hours`, dollars: machines * HOURS_PER_MONTH * instance.hour },
      { what: 'disk', dollars: machines * instance.diskGigabytes * instance.diskGigabyteMonth },
      transfer(load),
    ],
    load.imagesPerMonth,
    `${machines === 1 ? 'one machine, which is not highly available' : `${machines} machines`}; without load balancer`,
  )
}

const jobsCost = (load: Workload, arch: Architecture): Estimate =>
  total(
    `Jobs ${arch}, ${load.memoryMb} MB`,
    jobLines(load, arch),
    load.imagesPerMonth,
    'by a list, beside the alarms and metrics of the stack; a picture that arrives by itself is a job of its own and costs about twice as much',
  )

export const compareCosts = (load: Workload): Estimate[] => [
  lambdaCost(load, 'arm64'),
  lambdaCost(load, 'x86_64'),
  jobsCost(load, 'arm64'),
  rekognitionCost(load),
  instanceCost(load),
]

/** Time of a request at a memory size: below one processor it grows with the missing share. */
export const warmMsAt = (memoryMb: number, cpuMs: number = ASSUMED.cpuMs): number =>
  cpuMs / processorShare(memoryMb)

/** The other way round: what a request needs of one whole processor, of the kind that it was measured on. */
const cpuMsOf = ({ warmMs, memoryMb }: Workload): number => warmMs * processorShare(memoryMb)

/** More than one processor does not make a small model faster. */
const processorShare = (memoryMb: number): number => Math.min(1, memoryMb / MB_PER_VCPU)
