/** What can be said of an experiment, all of it. */
import type { Command } from 'commander'
import type { FindingList } from '../../../clients/typescript/src/index.ts'
import { experimentId, idHelp, open } from '../connection.ts'
import { figure, fold } from '../format.ts'

export default (program: Command) =>
  program
    .command('findings')
    .argument('<experiment>', idHelp)
    .description('what the numbers support: statements with their intervals, and what one could do')
    .action(async (typed: string, _, command: Command) => {
      const session = open(command)
      const found = await session.ledger.findings(await experimentId(session.ledger, typed))
      session.print(found, described)
    })

export function described({ recorded, items }: FindingList): string {
  if (!recorded)
    return 'not looked at: findings are made when an experiment succeeds, and earlier versions made none'
  if (items.length === 0) return 'nothing can be said that its interval would carry'
  return items
    .map(({ statement, figures, table, advice, atStake }, i) =>
      [
        ...fold(statement, 3, `${i + 1}. `),
        ...fold(advice, 3, '   '),
        `   from ${table}; at stake ${atStake === null ? 'all' : figure(atStake)} of loss; ${figures
          .filter(({ estimate }) => estimate !== null)
          .map(
            ({ name, estimate, low, high, level }) =>
              `${name} ${figure(estimate!)} [${[low, high].map(end => (end === null ? '–' : figure(end))).join(', ')}] at ${100 * level} %`,
          )
          .join('; ')}`,
      ].join('\n'),
    )
    .join('\n\n')
}
