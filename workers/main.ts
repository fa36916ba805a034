/**
 * `npm run worker`: a worker process, until it is told to stop. With `--workers N`, N of them; with `--devices all` or `0,1`, one
 * for each CUDA device, which sees no other; this process then only keeps them running. `ledger worker` is the same.
 */
import { parseArgs } from 'node:util'
import { ConfigError } from '../src/config.ts'
import { ServiceError } from '../src/service-error.ts'
import { runWorker } from './run.ts'

try {
  await runWorker(readArguments())
} catch (error) {
  console.error(error instanceof ConfigError || error instanceof ServiceError ? error.message : error)
  process.exit(1)
}

function readArguments() {
  try {
    return parseArgs({ options: { workers: { type: 'string' }, devices: { type: 'string' } } }).values
  } catch (error) {
    throw new ConfigError([(error as Error).message])
  }
}
