import type { Command } from 'commander'
import type { Experiment, ExperimentListItem } from '../../../clients/typescript/src/index.ts'
import { collect, open, positive, sweepId } from '../connection.ts'
import { bytesInWords, table } from '../format.ts'

type Options = {
  status?: string[]
  tag?: string[]
  sweep?: string
  where?: string
  sort?: string
  limit: number
}

export default (program: Command) =>
  program
    .command('list')
    .description('experiments, newest first')
    .option(
      '--status <status>',
      'queued, training, allocating, succeeded, failed, cancelled; may be repeated',
      collect,
    )
    .option('--tag <key=value>', 'may be repeated: experiments with all of them; key:value too', collect)
    .option('--sweep <id>', 'only those of a sweep')
    .option(
      '--where <expression>',
      `such as 'status = succeeded and validationAccuracy > 0.9'; see docs/querying.md`,
    )
    .option(
      '--sort <field>',
      'such as name, or -validationAccuracy for the largest first; newest first if absent',
    )
    .option('-n, --limit <n>', 'at most so many', positive, 20)
    .action(async ({ status, tag, sweep, where, sort, limit }: Options, command: Command) => {
      const session = open(command)
      const filter = {
        ...(where !== undefined && { where }),
        ...(sort !== undefined && { sort }),
        ...(status && { status: status as Experiment['status'][] }),
        // As submit takes them; the API wants a colon.
        ...(tag && { tag: tag.map(pair => pair.replace(/^([^:=]+)=/, '$1:')) }),
        ...(sweep && { sweep: await sweepId(session.ledger, sweep) }),
      }
      const found: ExperimentListItem[] = []
      if (limit > 0)
        for await (const experiment of session.ledger.list(filter)) {
          found.push(experiment)
          if (found.length >= limit) break
        }
      session.print(found, shown => (shown.length === 0 ? 'no experiments' : listTable(shown)))
    })

function listTable(experiments: ExperimentListItem[]): string {
  const rows = experiments.map(
    ({ id, status, progress, name, dataset, architecture, iterations, createdAt, bytes, summary }) => [
      id,
      summary?.unbalanced ? `${status}, unbalanced` : status,
      progress.total > 0 ? `${Math.floor((100 * progress.done) / progress.total)} %` : '',
      createdAt.slice(0, 16).replace('T', ' '),
      `${architecture} on ${dataset}`,
      String(iterations),
      bytesInWords(bytes.objects + bytes.ledger),
      name ?? '',
    ],
  )
  return table(['id', 'status', 'done', 'posted (UTC)', 'what', 'iterations', 'size', 'name'], rows)
}
