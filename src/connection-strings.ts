/** Connection strings as people write them: what is wrong with one, in words that never have a part of it. */

/** Of a password with characters that end it early, which URL parsers take for a port, a path or a fragment. */
const encode =
  '# / ? @ : % [ ] and spaces in a user or password must be percent-encoded (# is %23, / is %2F, ? is %3F, @ is %40, : is %3A, % is %25): node -p \'encodeURIComponent("…")\' does it'

/**
 * What is wrong with a database's or queue's URL, as the rest of a sentence that begins with the variable's name;
 * undefined where nothing is to be seen. `protocols` end with a colon.
 */
export function connectionStringProblem(text: string, protocols: string[]): string | undefined {
  const start = protocols.map(protocol => `${protocol}//`)
  const scheme = start.find(candidate => text.toLowerCase().startsWith(candidate))
  if (scheme === undefined) return `must be a URL that starts with ${start.join(' or ')}`
  const rest = text.slice(scheme.length)
  // A fragment means nothing to a server.
  if (rest.includes('#')) return `has a # in it: ${encode}`
  const end = rest.search(/[/?]/)
  const authority = end === -1 ? rest : rest.slice(0, end)
  const beyond = end === -1 ? '' : rest.slice(end)
  // In a parameter's value an @ may stand (?application_name=me@here); before it, a user and password ended too soon.
  if (/^[^=]*@/.test(beyond)) return `has a ${beyond[0]} before its @: ${encode}`
  const at = authority.lastIndexOf('@')
  const [user, host] = at === -1 ? ['', authority] : [authority.slice(0, at), authority.slice(at + 1)]
  if (/%(?![0-9a-f]{2})/i.test(user) || !decodes(user)) return `has a % that encodes nothing: ${encode}`
  if (host.includes(',')) return 'names several hosts: name one, the primary'
  // `user@/db?host=/run/postgresql` has no host there, which is no URL to a browser and is one to libpq.
  if (host === '' || URL.canParse(text)) return undefined
  return `must be ${scheme}user:password@host:port/name, and what stands for host:port is neither; ${encode}`
}

function decodes(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/**
 * A Postgres URL whose sslmode means the same to every version of the driver: require, verify-ca, prefer and allow check
 * the certificate as verify-full does, which is what the driver does today, with a warning that it may not for ever.
 */
export function strictSslMode(url: string): string {
  if (/[?&]uselibpqcompat=true/.test(url)) return url
  return url.replace(/([?&]sslmode=)(require|verify-ca|prefer|allow)(?=&|$)/g, '$1verify-full')
}

/**
 * A Postgres URL without its `options`, and what they say. In the URL they would take the place of options that are given
 * beside it. Not by way of URL, which does not know all that libpq takes for one.
 */
export function separateOptions(url: string): { url: string; options: string | undefined } {
  const [base, ...rest] = url.split('?')
  const parameters = new URLSearchParams(rest.join('?'))
  const options = parameters.get('options') ?? undefined
  parameters.delete('options')
  return { url: parameters.size === 0 ? base : `${base}?${parameters}`, options }
}
