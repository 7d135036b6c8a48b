import ipaddr from 'ipaddr.js'
import { BoxletError } from '../errors.ts'

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

/** Addresses and networks (`10.0.0.0/8`) of reverse proxies whose `X-Forwarded-For` is believed. */
export class TrustedProxies {
  readonly #networks: Network[]

  /** @throws BoxletError USAGE for what is no address and no network */
  constructor(written: readonly string[]) {
    this.#networks = written.map(networkOf)
  }

  has(address: string): boolean {
    if (this.#networks.length === 0 || !ipaddr.isValid(address)) {
      return false
    }
    const parsed = ipaddr.process(address)
    return this.#networks.some(
      ([network, bits]) => network.kind() === parsed.kind() && parsed.match(network as never, bits),
    )
  }

  /**
   * Who sent a request: the nearest hop that is no trusted proxy. What stands further left in the header was written by
   * that hop itself, which may have made it up.
   */
  clientOf(address: string | undefined, forwarded: string | undefined): string | undefined {
    let client = address
    for (const hop of (forwarded ?? '').split(',').reverse()) {
      if (client === undefined || !this.has(client)) {
        break
      }
      const next = hop.trim().replace(/^\[(.*)\](:\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1$3')
      if (!ipaddr.isValid(next)) {
        break
      }
      client = ipaddr.process(next).toString()
    }
    return client
  }
}

function networkOf(written: string): Network {
  try {
    if (written.includes('/')) {
      return ipaddr.parseCIDR(written) as Network
    }
    const address = ipaddr.process(written)
    return [address, address.kind() === 'ipv4' ? 32 : 128]
  } catch (cause) {
    throw new BoxletError(
      'USAGE',
      `Expected an address or a network for --trust-proxy but received "${written}".`,
      { cause, hint: 'For example 127.0.0.1 or 10.0.0.0/8.' },
    )
  }
}
