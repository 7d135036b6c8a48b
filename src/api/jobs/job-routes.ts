import type { Hono, MiddlewareHandler } from 'hono'
import { BoxletError } from '../../errors.ts'
import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import { isFinal, type Job, type JobPicture } from '../../jobs/job.ts'
import { type ModelsView, viewFound, viewJob, viewModel, viewPicture } from '../../jobs/view.ts'
import { review as reviewSchema } from '../../jobs/view-schema.ts'
import { defined } from '../../system/defined.ts'
import type { Ctx, Env } from '../call.ts'
import { readJsonBody } from '../json-body.ts'
import { allowOnly, type Service } from '../service.ts'
import { readQuery } from '../values.ts'
import { etagOf } from './etag.ts'
import { JobEvents } from './job-events.ts'
import {
  IMAGE_QUERY,
  LIST_QUERY,
  PICTURES_QUERY,
  SHOW_QUERY,
  THUMBNAIL_EDGE,
  UPLOAD_QUERY,
} from './job-values.ts'
import type { JobOffer } from './offer.ts'
import { parseSearch } from './search-query.ts'
import { smallPicture } from './small-picture.ts'
import { listFormat, parseSubmission } from './submit.ts'
import { tenantOf } from './tenant.ts'
import { Waiters } from './waiters.ts'

/** A caller that polls comes again after this many seconds; one that waits for a change need not. */
const POLL_SECONDS = 1
/** Of the deadline of a request, what a long poll may use. */
const WAIT_SHARE = 0.8

/**
 * Jobs: everything under `/v1/jobs`, and `GET /v1/search`.
 *
 * @param closing aborted when the service stops, so that streams end
 */
export function jobRoutes(
  app: Hono<Env>,
  service: Service,
  offer: JobOffer,
  guarded: Record<'body' | 'list' | 'none', MiddlewareHandler<Env>>,
  closing: AbortSignal,
): void {
  const routes = new JobRoutes(service, offer, closing)
  const { body, list, none } = guarded
  const submitted: MiddlewareHandler<Env> = (c, next) => (listFormat(c) === undefined ? body : list)(c, next)
  app.post('/v1/jobs', submitted, (c) => routes.submit(c))
  app.get('/v1/jobs', none, (c) => routes.list(c))
  app.all('/v1/jobs', allowOnly('GET, POST'))
  app.post('/v1/jobs/redrive', none, (c) => routes.redrive(c))
  app.all('/v1/jobs/redrive', allowOnly('POST'))
  app.post('/v1/jobs/uploads', none, (c) => routes.uploadForm(c))
  app.all('/v1/jobs/uploads', allowOnly('POST'))
  app.get('/v1/jobs/:id', none, (c) => routes.show(c))
  app.delete('/v1/jobs/:id', none, (c) => routes.cancel(c))
  app.all('/v1/jobs/:id', allowOnly('GET, DELETE'))
  app.post('/v1/jobs/:id/cancel', none, (c) => routes.cancel(c))
  app.all('/v1/jobs/:id/cancel', allowOnly('POST'))
  app.post('/v1/jobs/:id/retry', none, (c) => routes.retry(c))
  app.all('/v1/jobs/:id/retry', allowOnly('POST'))
  app.get('/v1/jobs/:id/events', none, (c) => routes.events(c))
  app.all('/v1/jobs/:id/events', allowOnly('GET'))
  app.get('/v1/jobs/:id/pictures', none, (c) => routes.pictures(c))
  app.all('/v1/jobs/:id/pictures', allowOnly('GET'))
  app.get('/v1/jobs/:id/pictures/:n', none, (c) => routes.picture(c))
  app.all('/v1/jobs/:id/pictures/:n', allowOnly('GET'))
  app.get('/v1/jobs/:id/pictures/:n/image', none, (c) => routes.image(c))
  app.all('/v1/jobs/:id/pictures/:n/image', allowOnly('GET'))
  app.put('/v1/jobs/:id/pictures/:n/review', body, (c) => routes.review(c))
  app.all('/v1/jobs/:id/pictures/:n/review', allowOnly('PUT'))
  app.get('/v1/jobs/:id/pictures/:n/annotated', none, (c) => routes.annotated(c))
  app.all('/v1/jobs/:id/pictures/:n/annotated', allowOnly('GET'))
  app.get('/v1/search', none, (c) => routes.search(c))
  app.all('/v1/search', allowOnly('GET'))
}

class JobRoutes {
  readonly #service: Service
  readonly #offer: JobOffer
  readonly #closing: AbortSignal
  readonly #events: JobEvents
  readonly #waiters = new Waiters()

  constructor(service: Service, offer: JobOffer, closing: AbortSignal) {
    this.#service = service
    this.#offer = offer
    this.#closing = closing
    this.#events = new JobEvents(offer, closing)
  }

  async submit(c: Ctx): Promise<Response> {
    const submission = await parseSubmission(c, this.#service, this.#offer)
    const { job, created } = await this.#offer.service.submit(tenantOf(c.get('call')), submission)
    return c.json(viewJob(job), created ? 202 : 200, {
      location: `/v1/jobs/${job.id}`,
      ...(!isFinal(job.state) && { 'retry-after': String(POLL_SECONDS) }),
    })
  }

  uploadForm(c: Ctx): Response {
    const { name = 'picture' } = readQuery(UPLOAD_QUERY, searchOf(c))
    if (this.#offer.uploadForm === undefined) {
      throw new BoxletError(
        'NOT_FOUND',
        'Expected a service with a bucket for pictures but this one has none.',
        {
          hint: 'Send the picture itself to /v1/jobs.',
        },
      )
    }
    return c.json(this.#offer.uploadForm(tenantOf(c.get('call')), name), 201)
  }

  async list(c: Ctx): Promise<Response> {
    const { state: states, limit = JOB_DEFAULTS.pageSize, ...query } = readQuery(LIST_QUERY, searchOf(c))
    const page = await this.#offer.service.store.list(tenantOf(c.get('call')), {
      limit,
      ...query,
      ...defined({ states }),
    })
    const kept = page.items.filter(({ expiresAt }) => expiresAt > Date.now())
    return c.json({ jobs: kept.map(viewJob), ...defined({ cursor: page.cursor }) })
  }

  /** With `wait` it answers when the job changes; with If-None-Match, with 304 while it has not. */
  async show(c: Ctx): Promise<Response> {
    const most = Math.min(JOB_DEFAULTS.mostWaitMs, this.#service.limits.deadlineMs * WAIT_SHARE)
    const ms = Math.min(most, readQuery(SHOW_QUERY, searchOf(c)).wait ?? 0)
    const known = c.req.header('if-none-match')
    const call = c.get('call')
    const tenant = tenantOf(call)
    const first = known === undefined ? etagOf(await this.#job(c)) : known
    const leave = ms > 0 ? this.#waiters.enter(call.caller) : undefined
    const job = await this.#offer.service
      .wait(tenant, this.#id(c), {
        ms,
        // A service that stops answers at once, with what is there.
        isKnown: (current) => first.includes(etagOf(current)) && !this.#closing.aborted,
        signal: call.signal,
      })
      .finally(leave)
    const headers: Record<string, string> = {
      etag: etagOf(job),
      'cache-control': 'no-cache',
      ...(!isFinal(job.state) && { 'retry-after': String(POLL_SECONDS) }),
    }
    if (known?.includes(etagOf(job))) {
      return new Response(null, { status: 304, headers })
    }
    const labels = await this.#offer.service.store.totals(tenant, job.id)
    return c.json({ ...viewJob(job), summary: { labels } }, 200, headers)
  }

  async cancel(c: Ctx): Promise<Response> {
    return c.json(viewJob(await this.#offer.service.cancel(tenantOf(c.get('call')), this.#id(c))))
  }

  async retry(c: Ctx): Promise<Response> {
    return c.json(viewJob(await this.#offer.service.retry(tenantOf(c.get('call')), this.#id(c))), 202)
  }

  async redrive(c: Ctx): Promise<Response> {
    return c.json(await this.#offer.service.redrive(tenantOf(c.get('call'))), 202)
  }

  async events(c: Ctx): Promise<Response> {
    const job = await this.#job(c)
    const leave = this.#waiters.enter(c.get('call').caller)
    const stream = this.#events.stream(job, c.req.header('last-event-id'), leave)
    return new Response(stream, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
      },
    })
  }

  async pictures(c: Ctx): Promise<Response> {
    const query = readQuery(PICTURES_QUERY, searchOf(c))
    const { state: states, limit = JOB_DEFAULTS.pageSize, cursor } = query
    const job = await this.#job(c)
    const page = await this.#offer.service.store.pictures(job.tenant, job.id, {
      limit,
      ...defined({ states, cursor }),
    })
    return c.json({
      pictures: page.items.map(viewPicture),
      models: await this.#models(page.items),
      ...defined({ cursor: page.cursor }),
    })
  }

  async picture(c: Ctx): Promise<Response> {
    const picture = await this.#picture(c)
    return c.json({ ...viewPicture(picture), models: await this.#models([picture]) })
  }

  async annotated(c: Ctx): Promise<Response> {
    const { found } = await this.#picture(c)
    const job = await this.#job(c)
    if (found?.annotated === undefined) {
      throw new BoxletError(
        'NOT_FOUND',
        'Expected an annotated picture but none was asked for, or it is not done.',
        {
          hint: 'Submit the job with annotate=jpeg.',
        },
      )
    }
    const bytes = await this.#offer.kept(found.annotated)
    return new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: {
        'content-type': `image/${job.options.annotate ?? 'jpeg'}`,
        'cache-control': 'private, max-age=31536000, immutable',
      },
    })
  }

  async image(c: Ctx): Promise<Response> {
    const { edge = THUMBNAIL_EDGE } = readQuery(IMAGE_QUERY, searchOf(c))
    const { source } = await this.#picture(c)
    const bytes = await smallPicture(this.#offer, source, {
      edge,
      signal: c.get('call').signal,
      maxPixels: this.#service.limits.pixels,
    })
    return new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': 'image/jpeg', 'cache-control': 'private, max-age=3600' },
    })
  }

  async review(c: Ctx): Promise<Response> {
    const { decision } = readJsonBody(reviewSchema, c.get('body'))
    const { n } = await this.#picture(c)
    const ref = { tenant: tenantOf(c.get('call')), job: this.#id(c), n }
    const picture = await this.#offer.service.store.review(ref, decision ?? undefined)
    if (picture === undefined) {
      throw new BoxletError('JOB_CONFLICT', 'Expected a picture with a result but it has none.', {
        hint: 'Only what was detected can be reviewed.',
      })
    }
    return c.json(viewPicture(picture))
  }

  async search(c: Ctx): Promise<Response> {
    const query = parseSearch(searchOf(c))
    const page = await this.#offer.service.store.search(tenantOf(c.get('call')), query)
    return c.json({
      pictures: page.items.map(viewFound),
      models: await this.#models(page.items.map(({ picture }) => picture)),
      ...defined({ cursor: page.cursor }),
    })
  }

  #job(c: Ctx): Promise<Job> {
    return this.#offer.service.get(tenantOf(c.get('call')), this.#id(c))
  }

  #id(c: Ctx): string {
    return c.req.param('id') ?? ''
  }

  async #picture(c: Ctx): Promise<JobPicture> {
    const job = await this.#job(c)
    const text = c.req.param('n') ?? ''
    const picture = /^\d{1,9}$/.test(text)
      ? await this.#offer.service.store.picture({ tenant: job.tenant, job: job.id, n: Number(text) })
      : undefined
    if (picture === undefined) {
      throw new BoxletError(
        'NOT_FOUND',
        'Expected the number of a picture of the job but there is none of it.',
      )
    }
    return picture
  }

  /** Each model once, however many pictures it saw. */
  async #models(pictures: readonly JobPicture[]): Promise<ModelsView> {
    const keys = new Set(pictures.flatMap(({ found }) => found?.model ?? []))
    const models: ModelsView = {}
    for (const key of keys) {
      const stored = await this.#offer.service.store.model(key)
      if (stored !== undefined) {
        models[key] = viewModel(stored)
      }
    }
    return models
  }
}

const searchOf = (c: Ctx): URLSearchParams => new URL(c.req.url).searchParams
