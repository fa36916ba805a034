import type { Command } from 'commander'
import { open } from '../connection.ts'
import { table, whole } from '../format.ts'

export default (program: Command) =>
  program
    .command('datasets')
    .description('the datasets that a spec can name')
    .action(async (_, command: Command) => {
      const session = open(command)
      const datasets = await session.ledger.datasets()
      session.print(datasets, () => {
        const rows = datasets.map(({ name, shape, classes, defaults, description }) => [
          name,
          shape.join('×'),
          String(classes),
          `${whole(defaults.trainExamples)} + ${whole(defaults.validationExamples)}`,
          description,
        ])
        return table(['name', 'shape', 'classes', 'train + validation', 'what'], rows)
      })
    })
