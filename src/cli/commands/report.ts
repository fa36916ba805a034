import type { Command } from 'commander'
import {
  ApiError,
  type Experiment,
  type LedgerClient,
  type Sweep,
} from '../../../clients/typescript/src/index.ts'
import { printableData } from '../../printable.ts'
import { experimentId, open, sweepId } from '../connection.ts'
import { MissingError } from '../exit.ts'
import { placeFor, writeWhole } from '../files.ts'

export default (program: Command) =>
  program
    .command('report')
    .argument('<experiment-or-sweep>', 'its id, the beginning of it, or "last" for the newest experiment')
    .description(
      'write SVG figures: loss, LCA per layer over iterations, layers, residuals; for a sweep the differences',
    )
    .option('-o, --out <folder>', 'where to; report-<id> if absent')
    .option('--html', 'one HTML file with the figures of the pages instead, alive offline; of an experiment')
    .option('--title <text>', 'of the figure of LCA over iterations')
    .action(
      async (
        typed: string,
        { out, title, html }: { out?: string; title?: string; html?: boolean },
        command: Command,
      ) => {
        const session = open(command)
        const { ledger } = session
        const id = await experimentId(ledger, typed).catch(error => {
          if (!(error instanceof MissingError) || typed === 'last') throw error
          return sweepId(ledger, typed)
        })
        if (html) {
          // As it is: the file shows names as text.
          const { htmlReport } = await import('../html-report.ts')
          const page = await htmlReport(ledger, await ledger.get(id), new URL(session.url).host)
          const file = await placeFor(out ?? '.', `report-${id}.html`)
          await writeWhole(file, page)
          session.print([file], shown => shown.join('\n'))
          return
        }
        const found = printableData(await find(ledger, id))
        const { experimentReport, sweepReport } = await import('../../figures/report.ts')
        const figures =
          'variants' in found
            ? await sweepReport(ledger, found)
            : await experimentReport(ledger, found, title)
        const folder = out ?? `report-${id}`
        // The splits in the names are what the API says they are.
        const files: string[] = []
        for (const name of Object.keys(figures)) files.push(await placeFor(folder, `${name}.svg`))
        for (const [i, svg] of Object.values(figures).entries()) await writeWhole(files[i], svg)
        session.print(files, shown => shown.join('\n'))
      },
    )

/** The experiment of this id, or the sweep. */
async function find(ledger: LedgerClient, id: string): Promise<Experiment | Sweep> {
  try {
    return await ledger.get(id)
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error
    return await ledger.getSweep(id).catch(other => {
      throw other instanceof ApiError && other.status === 404 ? error : other
    })
  }
}
