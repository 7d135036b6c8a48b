/**
 * List prices of AWS in us-east-1 in US dollars, without free tiers unless named, as known on `asOf`. Other
 * regions are mostly within a fifth of them. Check them against the price pages before relying on a difference
 * of a few per cent; this file is the only place that holds prices.
 */
export const PRICES = {
  asOf: '2026-11-21',
  region: 'us-east-1',
  sources: [
    'AWS Lambda pricing',
    'Amazon Rekognition pricing, Image, Group 2 (DetectLabels)',
    'Amazon EC2 on-demand pricing, Linux',
    'Amazon API Gateway pricing, HTTP APIs',
    'Amazon CloudWatch pricing, from public knowledge and not read on the page',
    'Amazon EC2 pricing, data transfer out to the internet',
  ],
  lambda: {
    /** Per gigabyte-second, by tier of gigabyte-seconds a month. */
    duration: {
      arm64: [
        { upTo: 7.5e9, price: 0.0000133334 },
        { upTo: 18.75e9, price: 0.0000120001 },
        { upTo: Number.POSITIVE_INFINITY, price: 0.0000106667 },
      ],
      x86_64: [
        { upTo: 6e9, price: 0.0000166667 },
        { upTo: 15e9, price: 0.000015 },
        { upTo: Number.POSITIVE_INFINITY, price: 0.0000133334 },
      ],
    },
    request: 0.2e-6,
    /** A month, for every account, without an end. */
    free: { requests: 1e6, gigabyteSeconds: 400_000 },
    /** Streamed bytes of an answer above the first ones, per gigabyte. */
    streamed: { price: 0.008, freeBytes: 6 * 2 ** 20 },
  },
  rekognition: {
    /** Per image, by tier of images a month. */
    image: [
      { upTo: 1e6, price: 0.001 },
      { upTo: 5e6, price: 0.0008 },
      { upTo: 35e6, price: 0.0006 },
      { upTo: Number.POSITIVE_INFINITY, price: 0.00025 },
    ],
  },
  /** Rekognition Custom Labels: an hour of training, and an hour of one inference unit; known, not read on the page. */
  customLabels: { trainingHour: 1, inferenceHour: 4 },
  /** One machine that is always on, with its disk. A load balancer and a second machine cost extra. */
  instance: { name: 'c7g.large', vcpus: 2, hour: 0.0725, diskGigabytes: 20, diskGigabyteMonth: 0.08 },
  httpApiRequest: 1e-6,
  logsGigabyte: 0.5,
  /** A month. A metric is billed for the hours in which it has values, an alarm for each metric that it looks at. */
  cloudWatch: {
    metric: 0.3,
    alarm: 0.1,
    dashboard: 3,
    /** For the whole account. */
    free: { metrics: 10, alarms: 10, dashboards: 3 },
  },
  /** Known, not read on the pages: Amazon DynamoDB on demand, Amazon SQS standard, Amazon S3 standard. */
  jobs: {
    writeUnit: 0.625e-6,
    readUnit: 0.125e-6,
    tableGigabyteMonth: 0.25,
    sqsRequest: 0.4e-6,
    s3Get: 0.4e-6,
  },
  /** Out to the internet per gigabyte, after the first hundred a month. */
  transfer: { price: 0.09, freeGigabytes: 100 },
} as const

export type Tier = { readonly upTo: number; readonly price: number }

/** Price of `amount` units where each tier has its own price. */
export function tiered(tiers: readonly Tier[], amount: number): number {
  let cost = 0
  let from = 0
  for (const { upTo, price } of tiers) {
    if (amount <= from) {
      break
    }
    cost += (Math.min(amount, upTo) - from) * price
    from = upTo
  }
  return cost
}
