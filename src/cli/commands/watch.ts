import type { Command } from 'commander'
import { experimentId, idHelp, open } from '../connection.ts'
import { describeExperiment, exitFor } from './show.ts'

export const stillRuns = (id: string) => `the experiment goes on; ledger watch ${id} follows it again`

export default (program: Command) =>
  program
    .command('watch')
    .argument('<experiment>', idHelp)
    .description('follow an experiment to its end; the exit code says how that was')
    .action(async (typed: string, _, command: Command) => {
      const session = open(command)
      const id = await experimentId(session.ledger, typed)
      const { watch } = await import('../progress.ts')
      const experiment = await watch(session.ledger, id, stillRuns(id))
      session.print(experiment, describeExperiment)
      exitFor(experiment)
    })
