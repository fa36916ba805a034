import { once } from 'node:events'
import type { Command } from 'commander'
import { readConfig } from '../../config.ts'
import { codes, type Signal, signals } from '../interruption.ts'

export default (program: Command) =>
  program
    .command('demo')
    .description('start everything, run one experiment over HTTP and show what it says')
    .option('--exit', 'stop when the experiment is done')
    .action(async ({ exit }: { exit?: boolean }) => {
      // Only here, as in serve.ts.
      const [{ startServer }, { closeInTheEnd }, { runDemo }, { createLog }] = await Promise.all([
        import('../serve.ts'),
        import('../closing.ts'),
        import('../demo.ts'),
        import('../../log.ts'),
      ])
      // The demo's own lines are what is to be read; what goes wrong still shows.
      const config = readConfig({ LOG_LEVEL: 'warn', ...process.env })
      const log = createLog('demo', config.logLevel)
      const server = await startServer(config, log)
      const graceful = closeInTheEnd(server, log)
      // Whoever goes on asking a server that closes keeps it from closing.
      const stopped = new AbortController()
      let code = 0
      const interrupt = (signal: Signal) => {
        code = codes[signal]
        stopped.abort()
      }
      for (const signal of signals) process.once(signal, interrupt)
      try {
        await runDemo(server.url, stopped.signal)
      } catch (error) {
        if (!stopped.signal.aborted) throw error
        console.error(
          '\nstopping; what is unfinished goes on when `ledger serve` runs, and another Ctrl-C does not wait',
        )
        // The server closes, and the process ends with that: as one that was interrupted.
        process.once('exit', ended => {
          if (ended === 0) process.exitCode = code
        })
        return
      }
      for (const signal of signals) process.off(signal, interrupt)
      if (exit) graceful.close()
      else {
        console.log('\nLoss Ledger stays up for these; Ctrl-C stops it.')
        await once(process, 'SIGINT')
      }
    })
