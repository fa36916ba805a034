import path from 'node:path'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  // Relative: the pages do not know under which prefix a proxy serves them.
  base: './',
  build: {
    outDir: path.join(import.meta.dirname, '../../dist/web'),
    emptyOutDir: true,
    target: 'es2023',
    // One script, one stylesheet, no image in either: what the policy of the pages lets in (api/plugins/external/pages.ts).
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  logLevel: 'warn',
})
