import type { Command } from 'commander'

export default (program: Command) =>
  program
    .command('worker')
    .description('start workers beside an API that runs elsewhere, until Ctrl-C')
    .option('--workers <n>', 'so many processes, which share the threads; with --devices, so many for each')
    .option('--devices <list>', 'a worker for each of these CUDA devices, which sees no other: all, or 0,1')
    .addHelpText(
      'after',
      '\nDATABASE_URL, REDIS_URL and the object store are those of the API; README.md lists them.',
    )
    .action(async (options: { workers?: string; devices?: string }) => {
      // Only here, as in serve.ts.
      const { runWorker } = await import('../../../workers/run.ts')
      await runWorker(options)
    })
