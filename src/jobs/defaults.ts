/** Every default and limit of jobs with its reason; `docs/jobs.md` shows this table and is checked against it. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const JOB_DEFAULTS = {
  /** A job and its results are kept for a month after it was accepted: long enough for a monthly report. */
  ttlMs: 30 * DAY,
  /** A year: who needs results for longer exports them. */
  mostTtlMs: 366 * DAY,
  /** An idempotency key is remembered for a day, as payment services do: retries come within minutes. */
  keyMs: DAY,
  /** A page of a list fits a screen or two and is read in under a millisecond. */
  pageSize: 50,
  /** The answer of a full page with results stays below 5 MB, the limit of a Lambda answer. */
  mostPageSize: 500,
  /** Proxies cut silent connections after 30 to 60 seconds; a long poll answers before. */
  mostWaitMs: 25 * SECOND,
  /** A worker that is killed is noticed this long after; the lease is renewed at a third of it. */
  leaseMs: 30 * SECOND,
  /** A picture that ended eight workers, the last six while it was alone, is at fault itself; chance is not. */
  mostReceives: 8,
  /** What may pass is tried five times within half a minute; after that a person has to look. */
  mostTries: 5,
  /** The first retry comes after a second, each further one twice as late, up to five minutes. */
  backOffMs: SECOND,
  mostBackOffMs: 5 * MINUTE,
  /** One picture may take this long, reading included, before it is given back as hanging. */
  pictureMs: 2 * MINUTE,
  /** Deliveries of one webhook: with the back-off below, spread over about a day and a half. */
  webhookTries: 12,
  webhookBackOffMs: 15 * SECOND,
  mostWebhookBackOffMs: 8 * HOUR,
  /** A receiver should take the event and work later. */
  webhookTimeoutMs: 10 * SECOND,
  /** Lines of one manifest: at 50 ms a picture, 14 hours of one processor. */
  mostManifestLines: 1_000_000,
  /** Bytes of one line: a source and a name, with room for what others write beside them. */
  mostLineBytes: 64 * 1024,
  /** Lines turned into pictures in one transaction: some 10 ms, so that others get a word in. */
  expandLines: 1_000,
  /** Scores around a half, of which the model itself is least sure; such pictures are worth a label. */
  uncertainBand: [0.35, 0.55] as readonly [number, number],
  /** Rows that one page of a search may look at; a filter that finds little gives a short page and a cursor. */
  mostExamined: 400,
  /** Objects of one label in one picture that the index counts: `count >= 20` finds all above. */
  mostRank: 20,
  /** A new file is taken when its size and time have been still for this long. */
  settleMs: 2 * SECOND,
  /** Events that progress is read from; the last word of a job stands in the job itself. */
  eventMs: HOUR,
} as const
