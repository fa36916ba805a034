import type { Command } from 'commander'
import { bytesOf } from '../../../clients/typescript/src/index.ts'
import { experimentId, idHelp, open } from '../connection.ts'
import { placeFor, writeWhole } from '../files.ts'
import { withAmends } from '../interruption.ts'

export default (program: Command) =>
  program
    .command('archive')
    .argument('<experiment>', idHelp)
    .description('everything of an experiment as one ZIP file: spec, tables as CSV, figures, findings, log')
    .option('-o, --out <folder>', 'where to; here if absent')
    .option('--tensors', 'with its raw tensors')
    .action(async (typed: string, options: { out?: string; tensors?: boolean }, command: Command) => {
      const session = open(command)
      const id = await experimentId(session.ledger, typed)
      const file = await placeFor(options.out ?? '.', `${id}.zip`)
      await withAmends(
        () => `stopped: nothing of it is left, for an archive is made as it is sent`,
        async () => {
          const answer = await session.ledger.archive(id, { tensors: options.tensors === true })
          await writeWhole(file, bytesOf(answer))
        },
      )
      session.print([file], shown => shown.join('\n'))
    })
