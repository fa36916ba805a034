/** /docs: openapi.yaml as a page to read and try, made of files that are served from here. */
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'

// A bar of what helped and one of what hurt, in the colours of the figures.
const mark = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#1f2933"/><rect x="6" y="8" width="20" height="6" fill="#56b4e9"/><rect x="6" y="18" width="11" height="6" fill="#d55e00"/></svg>`
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 170 32" height="32"><rect x="0" y="6" width="20" height="7" fill="#56b4e9"/><rect x="0" y="18" width="11" height="7" fill="#d55e00"/><text x="32" y="23" font-family="Helvetica, Arial, sans-serif" font-size="20" font-weight="600" fill="#ffffff">Loss Ledger</text></svg>`
const style = `
.swagger-ui .topbar { background: #1f2933; padding: 8px 0; }
.swagger-ui .topbar .download-url-wrapper { display: none; }
.swagger-ui .info .title small, .swagger-ui .info .title small.version-stamp { background: #1f2933; }
.swagger-ui .opblock.opblock-get { background: rgba(0, 114, 178, 0.06); border-color: #0072b2; }
.swagger-ui .opblock.opblock-get .opblock-summary-method { background: #0072b2; }
.swagger-ui .opblock.opblock-post { background: rgba(0, 158, 115, 0.06); border-color: #009e73; }
.swagger-ui .opblock.opblock-post .opblock-summary-method { background: #007a5a; }
.swagger-ui .opblock.opblock-delete { background: rgba(213, 94, 0, 0.06); border-color: #d55e00; }
.swagger-ui .opblock.opblock-delete .opblock-summary-method { background: #b34f00; }
.swagger-ui .btn.execute { background: #1f2933; border-color: #1f2933; }
`

export default fp(
  async app => {
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      // No validator: it would send the document to somebody else's service.
      uiConfig: { docExpansion: 'list', deepLinking: true, validatorUrl: null },
      theme: {
        title: 'Loss Ledger: what it answers to',
        favicon: [
          { filename: 'ledger.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: mark },
        ],
        css: [{ filename: 'ledger.css', content: style }],
      },
      logo: { type: 'image/svg+xml', content: Buffer.from(logo), href: '/docs' },
      // Nothing from elsewhere, whatever the page or the document says.
      staticCSP:
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    })
  },
  { name: 'docs', dependencies: ['openapi'] },
)
