import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Evaluation } from '../../evaluate/evaluation.ts'
import { escapeText } from '../../evaluate/report/escape.ts'
import { page, plot, section, tile } from '../../evaluate/report/page.ts'
import { pictureWithBoxes } from '../../evaluate/report/pictures.ts'
import type { History } from '../run/history.ts'
import { lossCurve, validationCurve } from './curves.ts'
import { duration } from './text.ts'

/** What the page shows at the moment. */
export interface LiveState {
  title: string
  step: number
  steps: number
  seconds: number
  secondsLeft: number | undefined
  history: History
  evaluation: Evaluation | undefined
}

/** Seconds after which the browser asks again. */
const REFRESH = 3
const GRACE_MS = 100
/** Validation pictures shown, the same ones each time. */
const PICTURES = 12
/** Detections below this are drawn by nobody. */
const DRAWN_SCORE = 0.3

/**
 * Shows a run while it goes on, to this machine only. The page asks again by itself and holds no script; curves and
 * pictures are drawn when they have changed, not when they are asked for.
 */
export class LivePage {
  readonly url: string
  readonly #server: Server
  #drawn = ''
  /** The last words, once the run is over; nobody has to ask again then. */
  #end: string | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #state: LiveState | undefined

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    server.on('request', (request, response) => {
      // A page elsewhere that points a name of its own at this address must not read it.
      const isOwn = request.headers.host === new URL(this.url).host
      response.writeHead(isOwn ? 200 : 403, {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        ...(this.#end === undefined ? { refresh: String(REFRESH) } : {}),
      })
      response.end(isOwn ? this.#html() : '')
      if (isOwn) {
        this.#askedAt = performance.now()
        this.#server.emit('shown')
      }
    })
  }

  /** @param port 0 for any that is free */
  static async open(port: number): Promise<LivePage> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    return new LivePage(server)
  }

  /** Numbers that change all the time. */
  tell(state: LiveState): void {
    this.#state = state
  }

  /** Curves and pictures, which take a second to draw. */
  async draw({ history, steps, evaluation }: LiveState): Promise<void> {
    const plots = [
      history.rounds.length > 1
        ? plot(await lossCurve(history, steps), 'Losses on the pictures as they were shown.')
        : '',
      history.validations.length > 1
        ? plot(await validationCurve(history, steps), 'AP on validation pictures.')
        : '',
    ]
    this.#drawn = `<div class="plots">${plots.join('')}</div>${evaluation === undefined ? '' : section('Validation pictures', await pictures(evaluation))}`
  }

  /**
   * Shows the last words to a browser that is open, which asks within `REFRESH` seconds, and ends.
   *
   * @param words where the result is
   */
  async close(words: string): Promise<void> {
    this.#end = words
    if (performance.now() - this.#askedAt < 2 * 1000 * REFRESH) {
      const signal = AbortSignal.timeout(1000 * (REFRESH + 1))
      await once(this.#server, 'shown', { signal }).catch(() => {})
      // The answer has to arrive before the connection is closed.
      await setTimeout(GRACE_MS)
    }
    await this.#stop()
  }

  #stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  #html(): string {
    const state = this.#state
    if (state === undefined) {
      return page('Teaching', '<h1>Reading pictures</h1>')
    }
    const { title, step, steps, seconds, secondsLeft, history } = state
    const last = history.validations.at(-1)
    const tiles = [
      tile(`${Math.floor((100 * step) / steps)} %`, `step ${step} of ${steps}`),
      tile(duration(seconds), secondsLeft === undefined ? 'so far' : `so far, ${duration(secondsLeft)} left`),
      ...(last === undefined
        ? []
        : [tile(last.ap50.toFixed(3), 'AP50 on validation'), tile(last.ap.toFixed(3), 'AP')]),
    ]
    return page(
      title,
      `<h1>${escapeText(title)}</h1>${this.#end === undefined ? '' : `<p>${escapeText(this.#end)}</p>`}<div class="tiles">${tiles.join('')}</div>${this.#drawn}`,
    )
  }
}

async function pictures({ work, classes }: Evaluation): Promise<string> {
  const figures = await Promise.all(
    work.judged.slice(0, PICTURES).map(async ({ image: index, boxes }) => {
      const image = work.images[index]!
      const drawn = boxes
        .filter(({ score }) => score === undefined || score >= DRAWN_SCORE)
        .map(({ kind, category, ...box }) => ({
          ...box,
          style: ({ hit: 'hit', false: 'false', found: 'truth', missed: 'missed' } as const)[kind],
          label: classes[category]!.category.name,
        }))
      const picture = await pictureWithBoxes(image.path, image, drawn)
      return `<figure>${picture ?? ''}<figcaption>${escapeText(image.fileName)}</figcaption></figure>`
    }),
  )
  return `<div class="pictures">${figures.join('\n')}</div>`
}
