/** /docs: openapi.yaml as a page to read and try, made of files that are served from here. */
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'

export default fp(
  async app => {
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      // No validator: it would send the document to somebody else's service.
      uiConfig: { docExpansion: 'list', deepLinking: true, validatorUrl: null },
      theme: { title: 'Loss Ledger' },
      // Nothing from elsewhere, whatever the page or the document says.
      staticCSP:
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    })
  },
  { name: 'docs', dependencies: ['openapi'] },
)
