/** Which engine a machine has, without loading one. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { EngineName } from './description.ts'

const require = createRequire(import.meta.url)

/** Where set-up puts the compiled binding. */
export function bindingPath(): string {
  return path.join(
    path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')),
    'lib/napi-v8/tfjs_binding.node',
  )
}

/** The engine that is used when none is asked for: native where set-up built it, else wasm. */
export function defaultEngine(): EngineName {
  return existsSync(bindingPath()) ? 'native' : 'wasm'
}
