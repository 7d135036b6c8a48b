import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { App } from '../api/app.ts'
import { ReadTurns } from '../api/read-turns.ts'
import { BoxletError } from '../errors.ts'
import { defined } from '../system/defined.ts'
import { Connections } from './connections.ts'
import { TrustedProxies } from './trusted-proxy.ts'

/** A client that dribbles its headers holds a connection for no longer than this. */
const HEADERS_TIMEOUT_MS = 10_000
/** And one that dribbles its body for no longer than this: 32 MB at 1 MB/s. */
const REQUEST_TIMEOUT_MS = 40_000
/** Longer than the 60 s after which common load balancers let go, so that it is they who close. */
const KEEP_ALIVE_MS = 65_000
const CHECK_INTERVAL_MS = 1_000
const IDLE_SWEEP_MS = 50
/** Signed requests have about 2 KB of headers. */
const MAX_HEADER_BYTES = 16 * 1024
const MAX_HEADERS = 100

export interface ListenOptions {
  host: string
  port: number
  /** Reverse proxies whose word is taken for who the caller is. None by default. */
  trustedProxies?: TrustedProxies
  /** Most milliseconds until the head of a request has come, from the start of the connection or of the request. */
  headersTimeoutMs?: number
}

export interface RunningServer {
  readonly url: string
  readonly port: number
  /** Each answer from here on is the last one of its connection. */
  windDown(): void
  /** Ends the work on all requests that have no answer yet; the reason becomes their answer. */
  cut(reason: BoxletError): void
  /** Takes no new connections; resolves when the last answer has been sent. */
  close(): Promise<void>
  /** Cuts what is still open. */
  destroy(): void
  /** Open connections. */
  readonly connections: number
}

/**
 * Puts an application behind Node's HTTP server.
 *
 * @throws BoxletError USAGE when the address cannot be listened on
 */
export async function listen(app: App, options: ListenOptions): Promise<RunningServer> {
  const { host, port, headersTimeoutMs = HEADERS_TIMEOUT_MS } = options
  const proxies = options.trustedProxies ?? new TrustedProxies([])
  const requests = new PendingRequests()
  const connections = new Connections({
    firstByteMs: headersTimeoutMs,
    isProxy: (address) => proxies.has(address),
  })
  const listener = listenerOf(app, requests, connections, proxies)
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: headersTimeoutMs,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    },
    listener,
  )
  // Node would drop the headers beyond its limit in silence; they are counted and refused instead.
  server.maxHeadersCount = 0
  server.on('connection', (socket) => connections.admit(socket))
  // A client that asks first, as curl does for large bodies, hears of a refusal before it sends the body.
  server.on('checkContinue', (request, response) => {
    const declared = Number(request.headers['content-length'] ?? 0)
    if (declared <= Math.max(app.limits.bodyBytes, app.limits.listBytes, app.limits.tensorBytes)) {
      response.writeContinue()
    }
    listener(request, response)
  })
  await bind(server, host, port)
  const address = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    windDown: () => requests.windDown(),
    cut: (reason) => requests.cut(reason),
    close: () => closeWhenIdle(server, connections),
    destroy: () => server.closeAllConnections(),
    get connections() {
      return connections.size
    },
  }
}

/** Connections that ask for nothing would hold a closing server: Node no longer times them once it closes. */
function closeWhenIdle(server: Server, connections: Connections): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => {
      server.closeIdleConnections()
      connections.closeQuiet()
    }, IDLE_SWEEP_MS)
    server.close(() => {
      clearInterval(sweep)
      resolve()
    })
  })
}

function listenerOf(
  app: App,
  requests: PendingRequests,
  connections: Connections,
  proxies: TrustedProxies,
): (request: IncomingMessage, response: ServerResponse) => void {
  const listener = getRequestListener(
    (request, env) => {
      const { incoming, outgoing } = env as HttpBindings
      return app.fetch(request, {
        ...defined({
          clientAddress: proxies.clientOf(
            incoming.socket.remoteAddress,
            headersOf(incoming, 'x-forwarded-for').join(','),
          ),
          target: incoming.url,
        }),
        body: bodyOf(incoming),
        signal: requests.add(outgoing as ServerResponse),
      })
    },
    { overrideGlobalObjects: false },
  )
  const turns = new ReadTurns()
  return (request, response) => {
    response.once('close', connections.begin(request.socket))
    response.once('finish', () => discardSlowly(request, turns))
    if (request.rawHeaders.length / 2 > MAX_HEADERS) {
      refuseHeaders(request, response)
      return
    }
    void listener(request, response)
  }
}

/** Every line of a header: Node keeps one of most. */
const headersOf = (incoming: IncomingMessage, name: string): string[] =>
  incoming.rawHeaders.filter((_, i, raw) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === name)

/** As Node answers heads that are too long; a head this full may hold a second Content-Length or Origin. */
function refuseHeaders(request: IncomingMessage, response: ServerResponse): void {
  const { code, message } = new BoxletError(
    'REQUEST_TOO_LARGE',
    `Expected at most ${MAX_HEADERS} headers but received ${request.rawHeaders.length / 2}.`,
  )
  response.writeHead(431, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify({ error: { code, message } }))
}

/**
 * What still comes of a body that was answered early is read on for a moment and thrown away, since a connection closed
 * before its caller has read takes the answer with it. As fast as it comes, it would keep the thread from all others.
 */
function discardSlowly(request: IncomingMessage, turns: ReadTurns): void {
  if (request.complete) {
    return
  }
  request.on('data', () => {
    request.pause()
    void turns.take(request.socket.remoteAddress ?? '').then(() => request.resume())
  })
}

/** Stopping early leaves the connection open, so that a refusal still reaches the client. */
function bodyOf(incoming: IncomingMessage): AsyncIterable<Uint8Array> | null {
  const { 'content-length': length, 'transfer-encoding': encoding } = incoming.headers
  if ((length === undefined || length === '0') && encoding === undefined) {
    return null
  }
  return {
    [Symbol.asyncIterator]: () => incoming.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>,
  }
}

/** Requests without an answer, so that a service that stops can answer them all. */
class PendingRequests {
  readonly #open = new Map<ServerResponse, AbortController>()
  #windingDown = false

  /** @returns a signal that is aborted when the caller goes away or the request is cut */
  add(response: ServerResponse): AbortSignal {
    const controller = new AbortController()
    this.#open.set(response, controller)
    if (this.#windingDown) {
      isLast(response)
    }
    response.once('close', () => {
      this.#open.delete(response)
      if (!response.writableFinished) {
        controller.abort()
      }
    })
    return controller.signal
  }

  windDown(): void {
    this.#windingDown = true
    for (const response of this.#open.keys()) {
      isLast(response)
    }
  }

  cut(reason: BoxletError): void {
    for (const controller of this.#open.values()) {
      controller.abort(reason)
    }
  }
}

function isLast(response: ServerResponse): void {
  if (!response.headersSent) {
    response.setHeader('connection', 'close')
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(bindError(cause, host, port)))
    server.listen(port, host, () => resolve())
  })
}

function bindError(cause: NodeJS.ErrnoException, host: string, port: number): BoxletError {
  if (cause.code === 'EADDRINUSE') {
    return new BoxletError('USAGE', `Expected a free port but ${port} is taken.`, {
      cause,
      hint: 'Choose another with --port, or 0 for any free one.',
    })
  }
  const reason = cause.code === 'EACCES' ? 'may not be used without more rights' : 'cannot be listened on'
  return new BoxletError('USAGE', `Expected an address of this machine but ${host}:${port} ${reason}.`, {
    cause,
  })
}
