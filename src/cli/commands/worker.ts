import type { Command } from 'commander'

export default (program: Command) =>
  program
    .command('worker')
    .description('start one worker beside an API that runs elsewhere, until Ctrl-C')
    .addHelpText(
      'after',
      '\nDATABASE_URL, REDIS_URL and the object store are those of the API; README.md lists them.',
    )
    .action(async () => {
      // A process of its own: it reads the environment and stays until it is told to stop.
      await import('../../../workers/main.ts')
    })
