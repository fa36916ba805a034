/** Which engine a machine has, without loading one. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { EngineName } from './description.ts'

const require = createRequire(import.meta.url)

const built = (name: string) =>
  path.join(path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')), 'lib/napi-v8', name)

/** Where set-up puts the compiled binding. */
export const bindingPath = (): string => built('tfjs_binding.node')

/** And beside it the loops over the host's vectors (native/host). */
export const hostLoopsPath = (): string => built('ledger_host.node')

/** The engine that is used when none is asked for: native where set-up built it, else wasm. */
export function defaultEngine(): EngineName {
  return existsSync(bindingPath()) ? 'native' : 'wasm'
}
