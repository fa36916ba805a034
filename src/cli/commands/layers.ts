import { type Command, Option } from 'commander'
import type { SplitName } from '../../spec/schema.ts'
import { experimentId, idHelp, open } from '../connection.ts'
import { describeLayers, type Layers } from '../layers-table.ts'

type Options = { split?: SplitName; by: 'layer' | 'variable' }

export default (program: Command) =>
  program
    .command('layers')
    .argument('<experiment>', idHelp)
    .description('what every layer did to the loss')
    .addOption(new Option('--split <split>', 'both if absent').choices(['train', 'validation']))
    .addOption(new Option('--by <what>', 'a row each').choices(['layer', 'variable']).default('layer'))
    .action(async (typed: string, { split, by }: Options, command: Command) => {
      const session = open(command)
      const { ledger } = session
      const id = await experimentId(ledger, typed)
      const splits = split ? [split] : (await ledger.get(id)).spec.allocation.splits
      const path = `/v1/experiments/${encodeURIComponent(id)}/layers`
      const tables = await Promise.all(
        splits.map(split => ledger.http.json<Layers>(path, { query: { split, by } })),
      )
      session.print(Object.fromEntries(splits.map((split, i) => [split, tables[i]])), shown =>
        describeLayers(...Object.entries(shown)),
      )
    })
