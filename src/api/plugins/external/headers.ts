/** The security headers of every answer: helmet's, asked for once, since they are the same for all. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'

const headers: Record<string, string> = {}
const collector = {
  setHeader: (name: string, value: string) => {
    headers[name.toLowerCase()] = value
  },
  removeHeader: () => {},
}
helmet({
  // What is answered is data: nothing in it is to be run, framed or loaded. /docs has a policy of its own.
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  // For pages and for browsers of long ago: not for data.
  ...{ xXssProtection: false, xDownloadOptions: false, xPermittedCrossDomainPolicies: false },
  ...{
    xDnsPrefetchControl: false,
    originAgentCluster: false,
    crossOriginOpenerPolicy: false,
    xPoweredBy: false,
  },
})({} as IncomingMessage, collector as unknown as ServerResponse, () => {})

/** x-content-type-options, strict-transport-security and so on. */
export const securityHeaders: Readonly<Record<string, string>> = headers
