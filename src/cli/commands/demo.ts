import { once } from 'node:events'
import type { Command } from 'commander'
import { readConfig } from '../../config.ts'

export default (program: Command) =>
  program
    .command('demo')
    .description('start everything, run one experiment over HTTP and show what it says')
    .option('--exit', 'stop when the experiment is done')
    .action(async ({ exit }: { exit?: boolean }) => {
      // Only here, as in serve.ts.
      const [{ startServer }, { runDemo }, { createLog }, { default: closeWithGrace }] = await Promise.all([
        import('../serve.ts'),
        import('../demo.ts'),
        import('../../log.ts'),
        import('close-with-grace'),
      ])
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
