import type { Socket } from 'node:net'

/** Each connection costs memory before its first byte is understood. */
const MAX_CONNECTIONS = 2_048
/** Of one address; a trusted proxy speaks for many and may have them all. */
const MAX_OF_ADDRESS = MAX_CONNECTIONS / 2

/** An answer that was just sent has reached its caller by then. */
const QUIET_MS = 1_000

interface Connection {
  socket: Socket
  address: string
  /** Requests without an answer; a connection that has none may be closed for another. */
  requests: number
  /** Since when it has had none. */
  quietSince: number
  silent: NodeJS.Timeout | undefined
}

export interface ConnectionRules {
  /** A connection that has not sent a byte by then is closed. */
  firstByteMs: number
  /** Addresses that speak for many. */
  isProxy(address: string): boolean
}

/** From its first byte on Node times a head, and says so when it takes too long. */
function closeSilent(socket: Socket): void {
  if (socket.bytesRead === 0) {
    socket.destroy()
  }
}

/**
 * Who is connected. Node times the heads of requests that have begun; a connection that never begins one is closed
 * here, and where there are too many, the oldest that asks for nothing makes room for the next.
 */
export class Connections {
  readonly #rules: ConnectionRules
  readonly #open = new Map<Socket, Connection>()
  readonly #byAddress = new Map<string, Set<Connection>>()

  constructor(rules: ConnectionRules) {
    this.#rules = rules
  }

  get size(): number {
    return this.#open.size
  }

  /** Takes a new connection in, or closes it where its address has its share and asks for something on all of it. */
  admit(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    const isFull = this.#open.size >= MAX_CONNECTIONS
    const ofAddress = this.#byAddress.get(address)?.size ?? 0
    if (isFull || (ofAddress >= MAX_OF_ADDRESS && !this.#rules.isProxy(address))) {
      const victim = this.#quietOf(isFull ? this.#largest() : address)
      if (victim === undefined) {
        socket.destroy()
        return
      }
      victim.socket.destroy()
      this.#forget(victim)
    }
    const connection: Connection = {
      socket,
      address,
      requests: 0,
      quietSince: performance.now(),
      silent: setTimeout(() => closeSilent(socket), this.#rules.firstByteMs).unref(),
    }
    this.#open.set(socket, connection)
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? new Set()).add(connection))
    socket.once('close', () => this.#forget(connection))
  }

  /** A whole head has come. @returns what to call when its answer is done */
  begin(socket: Socket): () => void {
    const connection = this.#open.get(socket)
    if (connection === undefined) {
      return () => {}
    }
    clearTimeout(connection.silent)
    connection.requests++
    return () => {
      connection.requests--
      connection.quietSince = performance.now()
    }
  }

  /** Closes those that have waited for no answer for a while, half a head of a request or not. */
  closeQuiet(): void {
    const before = performance.now() - QUIET_MS
    for (const { socket, requests, quietSince } of this.#open.values()) {
      if (requests === 0 && quietSince < before) {
        socket.destroy()
      }
    }
  }

  #largest(): string {
    return [...this.#byAddress].reduce((a, b) => (b[1].size > a[1].size ? b : a))[0]
  }

  /** The oldest connection of an address that waits for no answer. */
  #quietOf(address: string): Connection | undefined {
    for (const connection of this.#byAddress.get(address) ?? []) {
      if (connection.requests === 0) {
        return connection
      }
    }
    return undefined
  }

  #forget(connection: Connection): void {
    clearTimeout(connection.silent)
    if (!this.#open.delete(connection.socket)) {
      return
    }
    const ofAddress = this.#byAddress.get(connection.address)
    ofAddress?.delete(connection)
    if (ofAddress?.size === 0) {
      this.#byAddress.delete(connection.address)
    }
  }
}
