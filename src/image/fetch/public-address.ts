import ipaddr from 'ipaddr.js'

/** Azure's machine service answers on a public address, unlike those of the other clouds. */
const CLOUD_MACHINE_SERVICES = ['168.63.129.16']

/** All of today's global IPv6; the rest is reserved, mapped or local. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number]

/**
 * True for an address that is reachable by anybody anyway. Everything else is refused: loopback, private,
 * link-local (cloud metadata), carrier, multicast, documentation, and IPv6 forms that carry an IPv4 address.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) {
    return false
  }
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') {
    return false
  }
  if (parsed instanceof ipaddr.IPv6) {
    return parsed.match(GLOBAL_IPV6)
  }
  return !CLOUD_MACHINE_SERVICES.includes(parsed.toString())
}
