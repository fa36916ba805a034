/** What a service that the configuration names (a database, a queue, an object store) lacks, in one sentence for people. */

/** The message is the whole of what is to be said: the variable, what is wrong, and what would be right. No secret is in it. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  /** Whether it may be well again by itself: it does not answer now. */
  readonly passing: boolean
  constructor(message: string, options: { passing?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.passing = options.passing ?? false
  }
}

/** A failed connection: what happened, and whether trying again later may do. */
export type Failure = { words: string; passing: boolean }

const unreachable: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'there is no answer',
  TimeoutError: 'there is no answer',
  EHOSTUNREACH: 'the network does not lead there',
  ENETUNREACH: 'the network does not lead there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
}

/** How to trust a certificate, which is the same for everything that Node talks to. */
const trust =
  'NODE_EXTRA_CA_CERTS=/path/to/ca.pem makes it trusted (the certificate of its authority, or its own where it is self-signed)'

/** What is wrong with the network or with TLS; undefined where it is something else that failed. */
export function connectionFailure(error: unknown): Failure | undefined {
  for (const one of causes(error)) {
    const { code, message } = one
    // A socket of the file system.
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTSOCK')
      return {
        words: code === 'EACCES' ? 'this user may not open it' : 'there is no such socket',
        passing: code === 'ENOENT',
      }
    if (code !== undefined && unreachable[code] !== undefined)
      return { words: unreachable[code], passing: true }
    if (/^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN)$/.test(code ?? ''))
      return { words: `its certificate is self-signed: ${trust}`, passing: false }
    if (/^UNABLE_TO_(GET_ISSUER_CERT(_LOCALLY)?|VERIFY_LEAF_SIGNATURE)$/.test(code ?? ''))
      return { words: `nobody known here has signed its certificate: ${trust}`, passing: false }
    if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
      return { words: 'its certificate is not valid today', passing: false }
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
      return { words: `its certificate is for another name (${altNames(message)})`, passing: false }
    if (/wrong version number|packet length too long|ERR_SSL/i.test(`${code} ${message}`))
      return { words: 'it does not speak TLS', passing: false }
  }
  return undefined
}

/** "Hostname/IP does not match certificate's altnames: Host: a. is not in the cert's altnames: DNS:b" → "DNS:b". */
const altNames = (message: string) => /altnames?: (?:.*altnames?: )?(.*)$/.exec(message)?.[1] ?? message

/** An error, what it was caused by, and what it gathers (of a host with several addresses, an error each). */
function causes(error: unknown): { code?: string; message: string }[] {
  if (!(error instanceof Error)) return []
  const { code } = error as NodeJS.ErrnoException
  const inner = error instanceof AggregateError ? error.errors : []
  return [{ code: code ?? error.name, message: error.message }, ...[error.cause, ...inner].flatMap(causes)]
}
