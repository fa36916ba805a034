import { type Command, Option } from 'commander'
import type {
  Sweep,
  SweepListItem,
  SweepPredictors,
  SweepSpec,
  SweepSummaryRow,
} from '../../../clients/typescript/src/index.ts'
import type { Summary } from '../../figures/report.ts'
import { printable } from '../../printable.ts'
import type { SplitName } from '../../spec/schema.ts'
import { collect, idHelp, open, positive, sweepId } from '../connection.ts'
import { ExitWith, exitCodes } from '../exit.ts'
import { figure, minus, table } from '../format.ts'
import { applySettings, readDocument } from '../input.ts'
import { summaryTables } from '../summary-tables.ts'

type SubmitOptions = { seeds?: string; set?: string[]; watch?: boolean; idempotencyKey?: string }

export default (program: Command) => {
  const sweep = program.command('sweep').description('many experiments at once, and what they say together')

  sweep
    .command('submit')
    .argument('<file>', 'base, vary, seeds as JSON or YAML; - reads it from stdin')
    .description('post a sweep: all of its experiments, or none')
    .option('--seeds <list>', 'training.seed of every variant: 1,2,3')
    .option('--set <path=value>', 'any field: base.training.iterations=50; may be repeated', collect)
    .option('--idempotency-key <text>', 'posting the same twice is one sweep')
    .option('-w, --watch', 'follow it to its end, and show the summary')
    .action(async (file: string, options: SubmitOptions, command: Command) => {
      const session = open(command)
      const seeds = options.seeds === undefined ? [] : [`seeds=[${options.seeds}]`]
      const spec = applySettings(await readDocument(file), [...seeds, ...(options.set ?? [])]) as SweepSpec
      const { idempotencyKey } = options
      const posted = await session.ledger.submitSweep(
        spec,
        idempotencyKey === undefined ? {} : { idempotencyKey },
      )
      if (options.watch) {
        if (!session.json) console.log(printable(posted.id))
        return follow(command, posted.id)
      }
      session.print(posted, ({ id, experimentCount, variants }) =>
        [
          id,
          `${experimentCount} experiments in ${variants.length} variants; ledger sweep watch ${id} follows them`,
        ].join('\n'),
      )
    })

  sweep
    .command('list')
    .description('sweeps, newest first')
    .option('-n, --limit <n>', 'at most so many', positive, 20)
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const session = open(command)
      const found: SweepListItem[] = []
      for await (const one of session.ledger.listSweeps()) {
        if (found.length >= limit) break
        found.push(one)
      }
      session.print(found, shown => (shown.length === 0 ? 'no sweeps' : listTable(shown)))
    })

  sweep
    .command('show')
    .argument('<sweep>', idHelp)
    .description('a sweep and its experiments')
    .action(async (typed: string, _, command: Command) => {
      const session = open(command)
      const found = await session.ledger.getSweep(await sweepId(session.ledger, typed))
      session.print(found, describe)
    })

  sweep
    .command('watch')
    .argument('<sweep>', idHelp)
    .description('follow a sweep to its end, and show the summary')
    .action(async (typed: string, _, command: Command) =>
      follow(command, await sweepId(open(command).ledger, typed)),
    )

  sweep
    .command('summary')
    .argument('<sweep>', idHelp)
    .description('per layer and variant: mean ± sd over the seeds, and the difference from the baseline')
    .addOption(new Option('--split <split>', 'both if absent').choices(['train', 'validation']))
    .option(
      '--measure <measure>',
      'only lca, helpFractionOfMoved, helpFractionOfAll, finalLoss, finalAccuracy, or a figure: curvature.alpha',
    )
    .action(
      async (
        typed: string,
        query: { split?: SplitName; measure?: SweepSummaryRow['measure'] },
        command: Command,
      ) => {
        const session = open(command)
        const id = await sweepId(session.ledger, typed)
        const path = `/v1/sweeps/${encodeURIComponent(id)}/summary`
        const summary = await session.ledger.http.json<Summary>(path, { query })
        session.print(summary, summaryTables)
      },
    )

  sweep
    .command('predictors')
    .argument('<sweep>', idHelp)
    .description('which figures of the first 10, 25, 50 % of the iterations foretell where validation ends')
    .action(async (typed: string, _, command: Command) => {
      const session = open(command)
      const found = await session.ledger.sweepPredictors(await sweepId(session.ledger, typed))
      session.print(found, predictorsTable)
    })

  sweep
    .command('cancel')
    .argument('<sweep>', idHelp)
    .description('cancel what has not finished of a sweep')
    .action(async (typed: string, _, command: Command) => {
      const session = open(command)
      const found = await session.ledger.cancelSweep(await sweepId(session.ledger, typed))
      session.print(
        found,
        ({ counts, experimentCount }) =>
          `${counts.cancelled} of ${experimentCount} experiments are cancelled`,
      )
    })

  sweep
    .command('delete')
    .argument('<sweep>', idHelp)
    .description('delete a sweep with its experiments')
    .action(async (typed: string, _, command: Command) => {
      const session = open(command)
      const id = await sweepId(session.ledger, typed)
      await session.ledger.deleteSweep(id)
      session.print({ id, outcome: 'deleted' }, ({ id }) => `${id}  deleted`)
    })
}

async function follow(command: Command, id: string): Promise<void> {
  const session = open(command)
  const { watchSweep } = await import('../progress.ts')
  const sweep = await watchSweep(session.ledger, id)
  const summary = await session.ledger.http.json<Summary>(`/v1/sweeps/${encodeURIComponent(id)}/summary`)
  session.print({ ...sweep, summary }, shown => `${describe(shown)}\n\n${summaryTables(shown.summary)}`)
  if (sweep.counts.failed > 0) throw new ExitWith(exitCodes.failed)
  if (sweep.counts.cancelled > 0) throw new ExitWith(exitCodes.cancelled)
  if (summary.leftOut.length > 0) throw new ExitWith(exitCodes.unbalanced)
}

/** Rows that a terminal is shown; all of them with --json. */
const mostPredictors = 40

/** The strongest first. */
function predictorsTable({ items, runs, confidence }: SweepPredictors): string {
  if (items.length === 0)
    return `${runs} runs have succeeded: nothing can be correlated of them (four are needed, and figures that vary)`
  const shown = items
    .toSorted((a, b) => (a.adjustedP ?? 1) - (b.adjustedP ?? 1) || (a.p ?? 1) - (b.p ?? 1))
    .slice(0, mostPredictors)
  const rows = shown.map(({ figure: name, split, fraction, outcome, n, ...row }) => [
    `${name}, ${split}, first ${100 * fraction} %`,
    outcome,
    ...[row.correlation, row.low, row.high].map(value => (value === null ? '–' : minus(value.toFixed(2)))),
    ...[row.p, row.adjustedP].map(value => (value === null ? '–' : figure(value))),
    String(n),
  ])
  const more = items.length - rows.length
  return [
    table(['early figure', 'foretells', 'Spearman', 'low', 'high', 'p', 'corrected', 'n'], rows),
    '',
    `corrected: for the ${items.length} that were tried (Holm). low, high: ${100 * confidence} % of each alone.${more > 0 ? ` ${more} rows more: --json` : ''}`,
  ].join('\n')
}

const statuses = (counts: Sweep['counts']) =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`)
    .join(', ')

function listTable(sweeps: SweepListItem[]): string {
  const rows = sweeps.map(({ id, name, createdAt, variants, experimentCount, counts }) => [
    id,
    createdAt.slice(0, 16).replace('T', ' '),
    `${variants.length}`,
    `${experimentCount}`,
    statuses(counts),
    name ?? '',
  ])
  return table(['id', 'posted (UTC)', 'variants', 'experiments', 'status', 'name'], rows)
}

function describe({ id, name, experiments, counts, baseline }: Sweep): string {
  const head = [
    `sweep     ${id}`,
    ...(name ? [`name      ${name}`] : []),
    `baseline  ${baseline}`,
    `status    ${statuses(counts)}`,
  ]
  const rows = experiments.map(({ id, variant, seed, status }) => [id, status, String(seed), variant])
  return `${head.join('\n')}\n\n${table(['experiment', 'status', 'seed', 'variant'], rows)}`
}
