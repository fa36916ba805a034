/** The pages at /: the files that set-up built of src/web, served by @fastify/static, each as a route of its own. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import fp from 'fastify-plugin'

const root = fileURLToPath(new URL('../../../../web', import.meta.url))

/**
 * Nothing from elsewhere, nothing written into the page, and no text that becomes markup (trusted types without a single
 * policy): a name that holds a script is a text. blob: is for what is downloaded with a key, and figures that are saved.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

export default fp(
  async app => {
    if (!existsSync(root)) {
      app.log.warn('there are no pages at /: npm run setup builds them')
      return
    }
    // In a context of its own, whose hook comes after the one that gives every answer the policy of data.
    await app.register(async pages => {
      pages.addHook('onRequest', async (_request, reply) => {
        reply.headers({
          ...{ 'content-security-policy': policy, 'cross-origin-opener-policy': 'same-origin' },
          vary: 'accept-encoding',
        })
      })
      await pages.register(fastifyStatic, {
        root,
        // A route a file: whatever else is asked for is a problem+json like everything that is not there.
        wildcard: false,
        decorateReply: false,
        // Set-up compresses what is large.
        preCompressed: true,
        cacheControl: false,
        setHeaders(response, path) {
          // The names of what is in assets/ say what is in it.
          const kept = path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
          response.setHeader('cache-control', kept)
        },
      })
    })
  },
  { name: 'pages', dependencies: ['docs'] },
)
