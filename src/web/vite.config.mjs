import path from 'node:path'
import { defineConfig } from 'vite'

/** The program of the pages is asked for with the page, not when begin.ts has run. */
const preload = {
  name: 'preload-main',
  transformIndexHtml: {
    order: 'post',
    handler: (_html, { bundle }) =>
      Object.values(bundle ?? {})
        .filter(({ type, isDynamicEntry }) => type === 'chunk' && isDynamicEntry)
        .map(({ fileName }) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `./${fileName}` },
          injectTo: 'head',
        })),
  },
}

export default defineConfig({
  plugins: [preload],
  root: import.meta.dirname,
  // Relative: the pages do not know under which prefix a proxy serves them.
  base: './',
  build: {
    outDir: path.join(import.meta.dirname, '../../dist/web'),
    emptyOutDir: true,
    target: 'es2023',
    // Scripts, one stylesheet, no image in either: what the policy of the pages lets in (api/plugins/external/pages.ts).
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  logLevel: 'warn',
})
