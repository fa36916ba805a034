/** What explains a ledger: which diagnostics there are, and one of them as a table. */
import { type Command, Option } from 'commander'
import type { SplitName } from '../../spec/schema.ts'
import { experimentId, idHelp, open } from '../connection.ts'
import { UsageError } from '../exit.ts'
import { figure, table } from '../format.ts'

type Options = {
  split?: SplitName
  by?: string
  layer?: string[]
  from?: string
  to?: string
  bucket?: string
}
type Rule = { name: string; description: string; cost: string; recorded: boolean }

/** Rows of a table that a terminal is shown; all of them with --json, or as CSV from the API. */
const mostRows = 200

export default (program: Command) =>
  program
    .command('diagnostics')
    .argument('<experiment>', idHelp)
    .argument('[name]', 'one of them; without it, which there are')
    .description('what explains the ledger: curvature, tails and more')
    .addOption(new Option('--split <split>', 'the first if absent').choices(['train', 'validation']))
    .option('--by <what>', 'what a row is of: network, layer or variable, where it can be chosen')
    .option('--layer <name...>', 'only these layers')
    .option('--from <iteration>', 'the first iteration')
    .option('--to <iteration>', 'the iteration to stop before')
    .option('--bucket <n>', 'sum over so many iterations')
    .action(async (typed: string, name: string | undefined, options: Options, command: Command) => {
      const session = open(command)
      const { ledger } = session
      const id = await experimentId(ledger, typed)
      const rules: Rule[] = await ledger.diagnostics(id)
      if (name === undefined) return session.print(rules, listed)
      if (!rules.some(rule => rule.name === name))
        throw new UsageError(
          `there is no diagnostic ${name}; there are ${rules.map(rule => rule.name).join(', ')}`,
        )
      const path = `/v1/experiments/${encodeURIComponent(id)}/diagnostics/${encodeURIComponent(name)}`
      const shown = await ledger.http.json<Shown>(path, { query: options })
      const { cost } = rules.find(rule => rule.name === name)!
      session.print(shown, () => described(name, cost, shown))
    })

type Shown = { recorded: boolean; split: string; items: Record<string, string | number | null>[] }

const listed = (rules: Rule[]): string =>
  table(
    ['diagnostic', 'recorded', 'what it says'],
    rules.map(({ name, recorded, description }) => [name, recorded ? 'yes' : 'no', description]),
  )

function described(name: string, cost: string, { recorded, split, items }: Shown): string {
  if (!recorded && cost === 'reading') return `${name} is made of what was not recorded here`
  if (!recorded && cost === 'training') return `${name}: its training has done nothing of the kind`
  if (!recorded) return `${name} was not recorded: it is asked for with allocation.diagnostics.${name}=true`
  if (items.length === 0) return `${name}: nothing yet`
  const names = Object.keys(items[0]).filter(column => items.some(row => row[column] !== null))
  const rows = items
    .slice(0, mostRows)
    .map(row =>
      names.map(column => (typeof row[column] === 'number' ? figure(row[column]) : (row[column] ?? ''))),
    )
  const more = items.length - rows.length
  return [
    `${name} on ${split}`,
    '',
    table(names, rows),
    ...(more > 0 ? ['', `… and ${more} rows more: --json has all, as has ?format=csv of the API`] : []),
  ].join('\n')
}
