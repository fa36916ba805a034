import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { experimentId, idHelp, open } from '../connection.ts'
import { placeFor } from '../files.ts'

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
      const part = `${file}.part`
      // Not written through, should it be a link.
      await rm(part, { force: true })
      try {
        const { body } = await session.ledger.archive(id, { tensors: options.tensors === true })
        await pipeline(
          Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]),
          createWriteStream(part, { flags: 'wx' }),
        )
        await rename(part, file)
      } finally {
        await rm(part, { force: true })
      }
      session.print([file], shown => shown.join('\n'))
    })
