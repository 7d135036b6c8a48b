import type { LookupAddress, LookupOptions } from 'node:dns'
import { lookup as dnsLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { BoxletError } from '../../errors.ts'
import { isPublicAddress } from './public-address.ts'

/** Longer addresses are data in disguise, and some servers cut them. */
const MAX_URL_LENGTH = 8192

/** Which addresses this process may be sent to by somebody else. */
export interface AddressRules {
  /** Plain http too. Default: https only. */
  allowHttp?: boolean
  /** Private, loopback and link-local networks too. Never set it for addresses that a stranger sends. */
  allowPrivate?: boolean
  /** Name resolution; tests give their own. */
  lookup?: typeof dnsLookup
}

/**
 * Refuses by form what needs no lookup: other schemes, names with credentials, literal private addresses.
 *
 * @throws BoxletError URL_REFUSED
 */
export function checkUrl(address: string, options: AddressRules): URL {
  const schemes = options.allowHttp ? 'http or https' : 'https'
  if (address.length > MAX_URL_LENGTH || !URL.canParse(address)) {
    throw refused(`Expected an absolute ${schemes} address but received something else.`)
  }
  const url = new URL(address)
  if (url.protocol !== 'https:' && !(options.allowHttp && url.protocol === 'http:')) {
    throw refused(`Expected an ${schemes} address but received "${url.protocol}".`)
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('Expected an address without user name and password.')
  }
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  // A literal never passes through the lookup of the connection. WHATWG parsing has already turned
  // forms such as 0x7f.1 and 2130706433 into dotted ones.
  if (/^[\d.]+$|:/.test(literal) && !options.allowPrivate && !isPublicAddress(literal)) {
    throw privateHost()
  }
  return url
}

/** Checks the address that is really connected to, so that a name that changes its answer gains nothing. */
export function checkedLookup(options: AddressRules): LookupFunction {
  const resolve = options.lookup ?? dnsLookup
  return (hostname, lookupOptions: LookupOptions, callback) => {
    resolve(hostname, { ...lookupOptions, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) {
        return callback(error, [])
      }
      // One private answer among public ones is refused as a whole: which one is tried first is not ours to say.
      if (!options.allowPrivate && !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(privateHost(), [])
      }
      if (lookupOptions.all) {
        return callback(null, addresses)
      }
      const first = addresses[0]
      if (first === undefined) {
        return callback(new Error('no address'), [])
      }
      callback(null, first.address, first.family)
    })
  }
}

const refused = (message: string) =>
  new BoxletError('URL_REFUSED', message, { hint: 'Send the bytes of the picture instead.' })

const privateHost = () =>
  refused('Expected a host in a public network but received one in a private network.')
