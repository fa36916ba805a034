/**
 * Where webhooks may go. A user chooses the URL, this process makes the request: without care, that is a way for a
 * stranger to make requests inside the network. So only to public addresses, and to the very address that was looked at.
 */
import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The URL leads, or may lead, to an address that webhooks must not go to. */
export class ForbiddenAddress extends Error {
  constructor() {
    super('the address is not a public one')
    this.name = 'ForbiddenAddress'
  }
}

// All that IANA has given out as global unicast: what lies outside it, like ::127.0.0.1, stands for something else.
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')

/** Whether an IP address is public: global unicast, and not by way of another protocol's addresses. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  // ::1.1.1.1, which ipaddr.js takes for ::ffff:1.1.1.1, and which is another address.
  if (/^::\d+\./.test(address)) return false
  // ::ffff:10.0.0.1 is 10.0.0.1.
  const found = ipaddr.process(address)
  return found.range() === 'unicast' && (found instanceof ipaddr.IPv4 || found.match(globalUnicast))
}

/**
 * Whether the host of a URL is, as it stands, one that webhooks must not go to: an address that is not public, or this
 * machine by its name. What other names are is seen when they are resolved (publicLookup).
 */
export function isForbidden({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return isIP(host) !== 0 ? !isPublic(host) : /^(.+\.)?localhost\.?$/.test(host)
}

/** dns.lookup for the connection itself: what is not public is not connected to, whatever a second look-up would say. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0)
    // One private address among public ones is reason enough: which one is taken is not ours to say.
    if (addresses.length === 0 || addresses.some(({ address }) => !isPublic(address)))
      return callback(new ForbiddenAddress(), '', 0)
    if (options.all) callback(null, addresses)
    else callback(null, addresses[0].address, addresses[0].family)
  })
}
