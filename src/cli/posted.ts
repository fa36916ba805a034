/** An experiment that a command posts: said at once, or followed to its end. */
import type { Experiment, ExperimentSpec } from '../../clients/typescript/src/index.ts'
import { printable } from '../printable.ts'
import { describeExperiment, exitFor } from './commands/show.ts'
import { stillRuns } from './commands/watch.ts'
import type { open } from './connection.ts'

/** Posts a spec and prints its id; with `watch` follows it, prints what came of it, and exits with what that means. */
export async function postExperiment(
  session: ReturnType<typeof open>,
  spec: ExperimentSpec,
  { idempotencyKey, watch: follows }: { idempotencyKey?: string; watch?: boolean },
): Promise<void> {
  const { ledger } = session
  const posted = await ledger.submit(spec, idempotencyKey === undefined ? {} : { idempotencyKey })
  return followed(session, posted, follows)
}

/** Says which experiment is queued; with `follows` follows it, prints what came of it, and exits with what that means. */
export async function followed(
  session: ReturnType<typeof open>,
  posted: Experiment,
  follows: boolean | undefined,
): Promise<void> {
  const { ledger } = session
  if (!follows) return session.print(posted, ({ id }) => `${id}\nledger watch ${id} follows it`)
  // In a pipe the id is the first line, long before the end.
  if (!session.json) console.log(printable(posted.id))
  const { watch } = await import('./progress.ts')
  const ended: Experiment = await watch(ledger, posted.id, stillRuns(posted.id))
  session.print(ended, describeExperiment)
  exitFor(ended)
}
