/** What workers said of an experiment, all that is kept. */
import type { Command } from 'commander'
import type { LogLine } from '../../../clients/typescript/src/index.ts'
import { experimentId, idHelp, open } from '../connection.ts'

export default (program: Command) =>
  program
    .command('logs')
    .argument('<experiment>', idHelp)
    .description(
      'what workers said of an experiment: what they began, how long it took, what they tried again',
    )
    .action(async (typed: string, _, command: Command) => {
      const session = open(command)
      const lines: LogLine[] = []
      for await (const line of session.ledger.logs(await experimentId(session.ledger, typed)))
        lines.push(line)
      session.print(lines, shown =>
        shown.length === 0 ? 'no worker has said anything of it (yet)' : shown.map(described).join('\n'),
      )
    })

export const described = ({ at, level, worker, message, facts }: LogLine): string =>
  `${at}  ${level.padEnd(5)}  ${worker}  ${message}${Object.entries(facts)
    .map(([name, value]) => `  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('')}`
