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
      const [{ closeInTheEnd, startServer }, { runDemo }, { createLog }] = await Promise.all([
        import('../serve.ts'),
        import('../demo.ts'),
        import('../../log.ts'),
      ])
      // The demo's own lines are what is to be read; what goes wrong still shows.
      const config = readConfig({ LOG_LEVEL: 'warn', ...process.env })
      const log = createLog('demo', config.logLevel)
      const server = await startServer(config, log)
      const graceful = closeInTheEnd(server, log)
      await runDemo(server.url)
      if (exit) graceful.close()
      else {
        console.log('\nLoss Ledger stays up for these; Ctrl-C stops it.')
        await once(process, 'SIGINT')
      }
    })
