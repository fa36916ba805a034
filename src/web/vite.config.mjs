import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { defineConfig } from 'vite'
import { lazyIntl } from './lazy-intl.mjs'

/**
 * The program of the pages, with all that it is made of, is asked for with the page, not when begin.ts has run; that is asked for
 * as what is needed first, which browsers do not think of a script that is asynchronous.
 */
const first = '<script async '
const preload = {
  name: 'preload-main',
  transformIndexHtml: {
    order: 'post',
    handler: (html, { bundle = {} }) => {
      if (html.split(first).length !== 2) throw new Error('index.html has not one asynchronous script')
      const main = Object.values(bundle).find(({ type, name }) => type === 'chunk' && name === 'main')
      const tags = [main.fileName, ...main.imports]
        .filter(file => !bundle[file].isEntry)
        .map(file => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `./${file}` },
          injectTo: 'head',
        }))
      return { html: html.replace(first, `${first}fetchpriority="high" `), tags }
    },
  },
}

/** Beside each file of some size one that is compressed already, which the API sends where it may (plugins/external/pages.ts). */
const compressed = {
  name: 'compressed',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      for (const one of Object.values(bundle))
        if (/\.(js|css)$/.test(one.fileName))
          this.emitFile({
            ...{ type: 'asset', fileName: `${one.fileName}.gz` },
            source: gzipSync(one.type === 'chunk' ? one.code : one.source, { level: 9 }),
          })
    },
  },
}

export default defineConfig({
  plugins: [preload, lazyIntl, compressed],
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
