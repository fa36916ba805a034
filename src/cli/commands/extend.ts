/** An experiment that ended goes on, in its place. */
import { type Command, InvalidArgumentError } from 'commander'
import { experimentId, idHelp, open } from '../connection.ts'
import { followed } from '../posted.ts'

const count = (text: string) => {
  if (!/^\d{1,8}$/.test(text)) throw new InvalidArgumentError('It is not a number of iterations.')
  return Number(text)
}

export default (program: Command) =>
  program
    .command('extend')
    .argument('<experiment>', idHelp)
    .description(
      'train an experiment that has succeeded longer, in its place; what is done is not done again',
    )
    .requiredOption('--iterations <n>', 'how many it is to have in all', count)
    .option('--watch', 'follow it to its end')
    .action(async (typed: string, options: { iterations: number; watch?: boolean }, command: Command) => {
      const session = open(command)
      const id = await experimentId(session.ledger, typed)
      await followed(session, await session.ledger.extend(id, options.iterations), options.watch)
    })
