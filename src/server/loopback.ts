import { isIP } from 'node:net'

/** True for addresses that only this machine can reach. A name counts only when it is localhost itself. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  if (isIP(name) === 4) {
    return name.startsWith('127.')
  }
  return name === 'localhost' || name === '::1'
}

/** Host headers that a loopback service answers to. */
export const loopbackHosts = (host: string): string[] => [
  ...new Set(['localhost', '127.0.0.1', '[::1]', host.includes(':') ? `[${host}]` : host]),
]
