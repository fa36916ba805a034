import path from 'node:path'
import { defineConfig } from 'vite'
import { lazyIntl } from './lazy-intl.mjs'

/** What `ledger report --html` writes into its file: one script and one stylesheet. */
export default defineConfig({
  plugins: [lazyIntl],
  root: import.meta.dirname,
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    outDir: path.join(import.meta.dirname, '../../dist/report'),
    emptyOutDir: true,
    target: 'es2023',
    reportCompressedSize: false,
    copyPublicDir: false,
    lib: {
      entry: path.join(import.meta.dirname, 'report.tsx'),
      formats: ['iife'],
      name: 'report',
      fileName: () => 'report.js',
      cssFileName: 'report',
    },
  },
  logLevel: 'warn',
})
