import type { Command } from 'commander'
import { readConfig } from '../../config.ts'

export default (program: Command) =>
  program
    .command('serve')
    .description('start the API and its workers, until Ctrl-C')
    .action(async () => {
      // The API and all that it needs: no other command should wait for that.
      const [{ startServer }, { closeInTheEnd }, { createLog }] = await Promise.all([
        import('../serve.ts'),
        import('../closing.ts'),
        import('../../log.ts'),
      ])
      const config = readConfig()
      const log = createLog('serve', config.logLevel)
      const server = await startServer(config, log)
      log.info(
        { url: server.url, workers: server.workers },
        `Loss Ledger is at ${server.url}, to be looked at in a browser; ${server.url}/docs shows what it answers to`,
      )
      closeInTheEnd(server, log)
    })
