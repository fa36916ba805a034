/** cancel, retry, delete: what they have in common is that they take several experiments, and go on after one fails. */
import type { Command } from 'commander'
import type { LedgerClient } from '../../../clients/typescript/src/index.ts'
import { experimentId, open } from '../connection.ts'
import { ExitWith, explain } from '../exit.ts'
import { printableLines } from '../printable.ts'

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

export default (program: Command) => {
  for (const [name, { description, act }] of Object.entries(acts))
    program
      .command(name)
      .argument('<experiments...>', 'their ids, or "last" for the newest')
      .description(description)
      .action(async (typed: string[], _, command: Command) => {
        const session = open(command)
        const done: { id: string; outcome: string }[] = []
        let failure: ExitWith | undefined
        // "last" means the one that is last now, not after the first is deleted.
        const ids = new Set(await Promise.all(typed.map(one => experimentId(session.ledger, one))))
        for (const id of ids) {
          try {
            done.push({ id, outcome: await act(session.ledger, id) })
          } catch (error) {
            if (ids.size === 1) throw error
            const { code, words } = explain(error, false)
            console.error(printableLines(`${id}: ${words}`))
            failure ??= new ExitWith(code)
          }
        }
        if (done.length > 0)
          session.print(done, shown => shown.map(({ id, outcome }) => `${id}  ${outcome}`).join('\n'))
        if (failure) throw failure
      })
}
