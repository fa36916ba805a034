import type { Command } from 'commander'
import { experimentId, idHelp, open } from '../connection.ts'
import { watch } from '../progress.ts'
import { describeExperiment, exitFor } from './show.ts'

export default (program: Command) =>
  program
    .command('watch')
    .argument('<experiment>', idHelp)
    .description('follow an experiment to its end; the exit code says how that was')
    .action(async (typed: string, _, command: Command) => {
      const session = open(command)
      const experiment = await watch(session.ledger, await experimentId(session.ledger, typed))
      session.print(experiment, () => describeExperiment(experiment))
      exitFor(experiment.status)
    })
