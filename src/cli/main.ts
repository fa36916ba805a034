#!/usr/bin/env node
/** The command line. Each command is a file; this one names them, reads the configuration and turns errors into exit codes. */
import { once } from 'node:events'
import closeWithGrace from 'close-with-grace'
import { Command } from 'commander'
import { ConfigError, readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { ApiError } from './client.ts'
import { runDemo } from './demo.ts'
import { startServer } from './serve.ts'

const program = new Command('ledger').description(
  'Loss Change Allocation as a service: how much every parameter helped or hurt the loss, at every iteration.',
)

program
  .command('serve')
  .description('start the API and its workers, until Ctrl-C')
  .action(async () => {
    const config = readConfig()
    const log = createLog('serve', config.logLevel)
    const server = await startServer(config, log)
    log.info({ url: server.url, workers: config.workers }, `Loss Ledger listens on ${server.url}`)
    closeWithGrace({ delay: 20_000, logger: false }, async ({ err, signal }) => {
      if (err) log.fatal({ err }, 'an error nobody expected: stopping')
      else log.info({ signal }, 'stopping')
      await server.close()
      log.info('stopped')
    })
  })

program
  .command('demo')
  .description('start everything, run one experiment over HTTP and show what it says')
  .option('--exit', 'stop when the experiment is done')
  .action(async ({ exit }: { exit?: boolean }) => {
    // The demo's own lines are what is to be read; what goes wrong still shows.
    const config = readConfig({ LOG_LEVEL: 'warn', ...process.env })
    const log = createLog('demo', config.logLevel)
    const server = await startServer(config, log)
    const graceful = closeWithGrace({ delay: 20_000, logger: false }, async ({ err }) => {
      if (err) console.error(err)
      await server.close()
    })
    await runDemo(server.url)
    if (exit) graceful.close()
    else {
      console.log('\nLoss Ledger stays up for these; Ctrl-C stops it.')
      await once(process, 'SIGINT')
    }
  })

/** What a user can mend is said in a sentence; anything else deserves its stack. */
function explain(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code, port } = error as Error & { code?: string; port?: number }
  if (code === 'EADDRINUSE') return `port ${port} is in use by another process: stop that one, or set PORT`
  const known = error instanceof ConfigError || error instanceof ApiError || error.constructor === Error
  return known && process.env.LOG_LEVEL !== 'debug' ? error.message : error
}

try {
  await program.parseAsync()
} catch (error) {
  console.error(explain(error))
  process.exit(1)
}
