/** Experiments beside each other: in what their specs differ, where their weights part, layers and losses. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Comparison } from '../../../clients/typescript/src/index.ts'
import { printableData, printableLines } from '../../printable.ts'
import type { SplitName } from '../../spec/schema.ts'
import { experimentId, open } from '../connection.ts'
import { UsageError } from '../exit.ts'
import { placeFor, writeWhole } from '../files.ts'
import { fold, percentOr, short, signed, table } from '../format.ts'

type Options = {
  table?: 'layers' | 'losses' | 'specs'
  split?: SplitName
  from?: number
  to?: number
  bucket?: number
  svg?: string
}

const count = (text: string) => {
  if (!/^\d{1,8}$/.test(text)) throw new InvalidArgumentError('It is not a number of iterations.')
  return Number(text)
}

export default (program: Command) =>
  program
    .command('compare')
    .argument('<experiments...>', '2 to 20 ids, the beginnings of them, or "last" for the newest')
    .description('experiments beside each other: specs, where weights part, layers, losses')
    .addOption(
      new Option('--table <name>', 'one table as CSV')
        .choices(['layers', 'losses', 'specs'])
        .conflicts('svg'),
    )
    .addOption(new Option('--split <split>', 'both if absent').choices(['train', 'validation']))
    .option('--from <iteration>', 'the first iteration, of the common axis', count)
    .option('--to <iteration>', 'the iteration to stop before', count)
    .option('--bucket <n>', 'means of the losses over so many iterations', count)
    .option('--svg <folder>', 'write figures of losses and layers')
    .addHelpText(
      'after',
      '\nBranches are set beside each other by the iterations of what they go back to. The others are compared with the first.',
    )
    .action(async (typed: string[], { table: name, svg, ...query }: Options, command: Command) => {
      const session = open(command)
      const { ledger } = session
      const ids: string[] = []
      for (const one of typed) ids.push(await experimentId(ledger, one))
      if (new Set(ids).size < 2) throw new UsageError('name at least two experiments')
      if (name !== undefined && !session.json) {
        const answer = await ledger.http.send('/v1/compare', {
          query: { ...query, experiments: ids.join(','), table: name, format: 'csv' },
        })
        const text = await answer.text()
        process.stdout.write(process.stdout.isTTY ? `${printableLines(text.trimEnd())}\n` : text)
        return
      }
      if (name !== undefined) {
        const asked = { ...query, experiments: ids.join(','), table: name }
        const shown = await ledger.http.json<object>('/v1/compare', { query: asked })
        return session.print(shown, () => '')
      }
      const found = printableData(await ledger.compare(ids, query))
      if (svg === undefined) return session.print(found, describeComparison)
      const { comparisonReport } = await import('../../figures/report.ts')
      const files: string[] = []
      for (const [figure, text] of Object.entries(comparisonReport(found, labelsOf(found.experiments)))) {
        const file = await placeFor(svg, `${figure}.svg`)
        await writeWhole(file, text)
        files.push(file)
      }
      session.print(files, shown => shown.join('\n'))
    })

/** A name that tells them apart on a screen. */
const labelsOf = (experiments: Comparison['experiments']): string[] =>
  experiments.map(({ id, name }, i) => {
    const label = name ?? id.slice(-12)
    const isAlone = experiments.every((other, j) => i === j || (other.name ?? other.id.slice(-12)) !== label)
    return isAlone ? label : `${label} ${id.slice(-12)}`
  })

function describeComparison(found: Comparison): string {
  const { experiments, fork, span, specs, weights, layers, warnings } = found
  const labels = labelsOf(experiments)
  const nameOf = (id: string) => labels[experiments.findIndex(one => one.id === id)] ?? id
  const parts: string[] = []
  parts.push(
    table(
      ['', 'experiment', 'status', 'iterations', 'weights leave the first’s'],
      experiments.map(({ id, status, iterations, offset }, i) => [
        labels[i],
        id,
        status,
        `${offset} to ${offset + iterations}`,
        i === 0 ? '' : weightsInWords(weights[i - 1]),
      ]),
    ),
  )
  if (fork)
    parts.push(
      fold(
        `Iterations are those of ${nameOf(fork.experiment)}, which the first of them leaves at ${fork.iteration}.`,
        0,
      ).join('\n'),
    )
  parts.push(
    specs.length === 0
      ? 'Their specs differ in nothing but names.'
      : table(
          ['field', ...labels],
          specs.map(({ path, values }) => [
            path,
            ...values.map(value => (value === null ? '–' : cut(JSON.stringify(value)))),
          ]),
        ),
  )
  for (const split of new Set(layers.map(row => row.split))) {
    const rows = layers.filter(row => row.split === split)
    const hasErrors = rows.some(({ standardError }) => standardError !== null)
    parts.push(
      table(
        [
          ...[`LCA on ${split}, ${span!.from} to ${span!.to}`, 'experiment', 'LCA'],
          ...(hasErrors ? ['s.e.'] : []),
          ...['difference', 'helped', 'difference'],
        ],
        rows.map((row, i) => [
          rows[i - 1]?.layer === row.layer ? '' : (row.layer ?? 'all'),
          nameOf(row.experiment),
          row.lca === null ? '–' : signed(row.lca),
          ...(hasErrors ? [short(row.standardError)] : []),
          row.lcaDifference === null ? '' : signed(row.lcaDifference),
          percentOr('', row.helpFractionOfMoved),
          row.helpFractionDifference === null ? '' : signed(row.helpFractionDifference),
        ]),
      ),
    )
  }
  const notes = warnings.flatMap(({ message, experiments }) =>
    fold(`${message}: ${experiments.map(nameOf).join(', ')}`, 2, '! '),
  )
  if (notes.length > 0) parts.push(notes.join('\n'))
  return parts.join('\n\n')
}

function weightsInWords({ firstDifference, sameUntil, unknown }: Comparison['weights'][number]): string {
  if (firstDifference !== null) return `at ${firstDifference}`
  if (unknown === null) return `not up to ${sameUntil}`
  return sameUntil === null ? `unknown: ${unknown}` : `after ${sameUntil}, unknown where: ${unknown}`
}

const cut = (text: string) => (text.length > 40 ? `${text.slice(0, 39)}…` : text)
