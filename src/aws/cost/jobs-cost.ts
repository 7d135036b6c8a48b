/** Pictures of a list that a stack works on when it gets to it: no answer waits, and no request carries a picture. */
import { COCO_80 } from '../../model/labels/label-sets.ts'
import { SEND_AT_ONCE } from '../jobs/sqs-queue.ts'
import type { Architecture } from '../package/architecture.ts'
import { BATCH } from '../template/sources/bucket.ts'
import { type Sample, type TableUse, tableUse } from './job-writes.ts'
import { PRICES, tiered } from './prices.ts'
import { HOURS_PER_MONTH } from './watch-cost.ts'
import type { CostLine, Workload } from './workload.ts'

/**
 * Assumed of a picture until the user counts theirs: five objects of two labels, and names of usual length. Labels and
 * scores differ from one picture of a batch to the next, so that they share no entry of the index.
 */
const OBJECTS = 5
const LABELS = 2
/** Billed besides detection: what nothing overlaps with, the first read of a batch and its last writes, a tenth of each. */
const MORE_MS = 5
/** What its start reads: its job, whether that was cancelled, and the picture. */
const READ_UNITS = 2
/** Lambda receives the message, and deletes it with those of its batch. */
const POLLER_REQUESTS = 2 / BATCH
/** Each mapping asks an empty queue five at a time, twenty seconds each. Source: AWS Lambda developer guide, "SQS polling". */
const IDLE_REQUESTS_AN_HOUR = (5 * 3600) / 20
const MAPPINGS = 2
/** The clerk looks once a minute, for about as many milliseconds at half a gigabyte, with a read unit for each of its lists. */
const CLERK = { anHour: 60, ms: 100, gigabytes: 0.5, readUnits: 4 } as const

/** A batch of the assumed pictures. */
export function sampleBatch(): Sample {
  const [tenant, job] = ['local', '0'.repeat(26)]
  const createdAt = Date.UTC(2026, 0, 1)
  const name = (n: number): string => `s3://photos-of-a-customer/pictures/2026/11/21/IMG_${100_000 + n}.jpg`
  const numbers = Array.from({ length: BATCH }, (_, n) => n)
  return {
    tenant,
    job,
    createdAt,
    expiresAt: createdAt + 30 * 86_400_000,
    labels: COCO_80,
    pictures: numbers.map((n) => ({
      name: name(n),
      line: 100_000 + n,
      source: { kind: 'blob', ref: { bucket: 'photos-of-a-customer', key: name(n).slice(26) } },
    })),
    finished: numbers.map((n) => ({
      ref: { tenant, job, n },
      receives: 1,
      outcome: { state: 'succeeded', found: sampleFound(name(n), n) },
    })),
  }
}

/** Digits that no compression makes shorter than those of a real picture. */
const digits = (seed: number, greatest: number): number =>
  ((seed * 7_919_317 + 104_729) % 999_983) / (999_983 / greatest)

function sampleFound(source: string, n: number) {
  const image = {
    source,
    width: 1080,
    height: 810,
    detections: Array.from({ length: OBJECTS }, (_, i) => {
      const seed = n * OBJECTS + i
      return {
        label: COCO_80[(n * LABELS + (i % LABELS)) % COCO_80.length]!,
        classId: (n * LABELS + (i % LABELS)) % COCO_80.length,
        score: Number(digits(seed, 1).toFixed(6)),
        box: [1, 2, 3, 4].map((side) => Number(digits(seed + 1000 * side, 800).toFixed(2))) as [
          number,
          number,
          number,
          number,
        ],
      }
    }),
    timings: { decode: 12.31, prepare: 3.17, run: 41.26, boxes: 0.28, total: 57.02 },
  }
  const hex = (from: number): string =>
    Array.from({ length: 8 }, (_, i) =>
      Math.floor(digits(from + i, 0xffff_ffff))
        .toString(16)
        .padStart(8, '0'),
    ).join('')
  return {
    image,
    model: `${hex(1)}-${hex(9).slice(0, 12)}`,
    altText: 'A picture of three persons and two dogs.',
  }
}

let use: TableUse | undefined

/** Dollars a month. */
export function jobLines(load: Workload, arch: Architecture): CostLine[] {
  const { imagesPerMonth: images, memoryMb, warmMs, logBytes } = load
  const { lambda, jobs } = PRICES
  use ??= tableUse(sampleBatch())
  const { writeUnits, bytes } = use
  const duration = lambda.duration[arch]
  const line = (what: string, each: number, price: number): CostLine => ({
    what,
    dollars: images * each * price,
  })
  const looks = CLERK.anHour * HOURS_PER_MONTH
  return [
    {
      what: 'duration',
      dollars: tiered(duration, (images * (warmMs + MORE_MS) * memoryMb) / 1024 / 1000),
    },
    line('calls', 1 / BATCH, lambda.request),
    line('queue', 1 / SEND_AT_ONCE + POLLER_REQUESTS, jobs.sqsRequest),
    line('table', writeUnits, jobs.writeUnit),
    line('reads', READ_UNITS, jobs.readUnit),
    line('a month of storage', bytes / 1e9, jobs.tableGigabyteMonth),
    line('pictures from S3', 1, jobs.s3Get),
    line('logs', logBytes / BATCH / 1e9, PRICES.logsGigabyte),
    {
      what: 'waiting for work',
      dollars:
        MAPPINGS * IDLE_REQUESTS_AN_HOUR * HOURS_PER_MONTH * jobs.sqsRequest +
        looks *
          (lambda.request +
            CLERK.readUnits * jobs.readUnit +
            tiered(duration, (CLERK.ms * CLERK.gigabytes) / 1000)),
    },
  ]
}
