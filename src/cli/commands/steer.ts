/** cancel, retry, delete: what they have in common is that they take several experiments, of which each is answered for. */
import type { Command } from 'commander'
import type { BulkOutcome, LedgerClient } from '../../../clients/typescript/src/index.ts'
import { printableLines } from '../../printable.ts'
import { experimentId, open, type Session } from '../connection.ts'
import { ExitWith, exitCodes } from '../exit.ts'

type Act = (ledger: LedgerClient, id: string) => Promise<string>

const acts: Record<string, { description: string; act: Act }> = {
  cancel: {
    description: 'stop experiments that are queued or running',
    act: async (ledger, id) => {
      const { status } = await ledger.cancel(id)
      return status === 'cancelled' ? 'cancelled' : 'stops within one gradient pass'
    },
  },
  retry: {
    description:
      'queue failed or cancelled experiments again; what is stored of them is kept. Of one that has succeeded: look for its objects, and make again what is lost',
    act: async (ledger, id) => (await ledger.retry(id)).status,
  },
  delete: {
    description: 'delete experiments with their ledgers and artifacts, also while they run',
    act: async (ledger, id) => {
      await ledger.delete(id)
      return 'deleted'
    },
  },
}

/** What an outcome of several is called where it is not what it says. */
const words: Partial<Record<BulkOutcome['outcome'], string>> = {
  cancelling: 'stops within one gradient pass',
  unchanged: 'was so already, or not in a state for it',
  missing: 'there is no such experiment',
}
const codes: Partial<Record<BulkOutcome['outcome'], number>> = {
  missing: exitCodes.missing,
  refused: exitCodes.refused,
  failed: exitCodes.unavailable,
}

export default (program: Command) => {
  for (const [name, { description, act }] of Object.entries(acts))
    program
      .command(name)
      .argument('<experiments...>', 'their ids, or "last" for the newest')
      .description(description)
      .action(async (typed: string[], _, command: Command) => {
        const session = open(command)
        // "last" means the one that is last now, not after the first is deleted.
        const ids = [...new Set(await Promise.all(typed.map(one => experimentId(session.ledger, one))))]
        if (ids.length === 1) {
          const outcome = await act(session.ledger, ids[0])
          session.print([{ id: ids[0], outcome }], listed)
        } else tell(session, await session.ledger.bulk(name as Parameters<LedgerClient['bulk']>[0], ids))
      })
}

const listed = (done: { id: string; outcome: string }[]) =>
  done.map(({ id, outcome }) => `${id}  ${outcome}`).join('\n')

/** Prints what became of several; ends with the code of the first that could not be done. */
export function tell(session: Session, outcomes: BulkOutcome[]): void {
  const failed = outcomes.filter(({ outcome }) => codes[outcome] !== undefined)
  const done = outcomes.filter(({ outcome }) => codes[outcome] === undefined)
  for (const { id, outcome, detail } of failed)
    console.error(printableLines(`${id}: ${detail ?? words[outcome] ?? outcome}`))
  if (done.length > 0)
    session.print(
      done.map(({ id, outcome }) => ({ id, outcome })),
      shown => listed(shown.map(({ id, outcome }) => ({ id, outcome: words[outcome] ?? outcome }))),
    )
  if (failed.length > 0) throw new ExitWith(codes[failed[0].outcome]!)
}
