import closeWithGrace from 'close-with-grace'
import type { Command } from 'commander'
import { readConfig } from '../../config.ts'
import { createLog } from '../../log.ts'
import { startServer } from '../serve.ts'

export default (program: Command) =>
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
