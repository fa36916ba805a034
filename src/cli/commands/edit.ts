import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import type { ExperimentEdit } from '../../../clients/typescript/src/index.ts'
import { collect, experimentId, open } from '../connection.ts'
import { UsageError } from '../exit.ts'
import { split, unreadable } from '../input.ts'
import { tell } from './steer.ts'

type Options = { name?: string; notes?: string; notesFile?: string; tag?: string[]; untag?: string[] }

export default (program: Command) =>
  program
    .command('edit')
    .argument('<experiments...>', 'their ids, or "last" for the newest; name and notes are of one')
    .description('change name, notes and tags of experiments, also while they run')
    .option('--name <text>', 'its name; "" takes it away')
    .option('--notes <text>', 'what you want to remember of it; "" takes them away')
    .option('--notes-file <file>', 'the same from a file, or - for stdin')
    .option('--tag <key=value>', 'set a tag (repeatable)', collect)
    .option('--untag <key>', 'take a tag away (repeatable)', collect)
    .action(async (typed: string[], options: Options, command: Command) => {
      const session = open(command)
      const { ledger } = session
      const ids = [...new Set(await Promise.all(typed.map(one => experimentId(ledger, one))))]
      const edit = await editOf(options)
      const { tags, ...own } = edit
      if (Object.keys(edit).length === 0)
        throw new UsageError('say what is to be different: --name, --notes, --notes-file, --tag or --untag')
      if (ids.length > 1) {
        if (Object.keys(own).length > 0)
          throw new UsageError(`a name and notes are of one experiment, and these are ${ids.length}`)
        return tell(session, await ledger.bulk('tag', ids, tags))
      }
      const { id, name, notes, tags: now } = await ledger.edit(ids[0], edit)
      session.print({ id, name, tags: now, notes }, shown =>
        [
          `${shown.id}  ${shown.name ?? ''}`.trimEnd(),
          ...Object.entries(shown.tags).map(([key, value]) => `  ${key}: ${value}`),
          ...(shown.notes === null ? [] : [`  ${shown.notes}`]),
        ].join('\n'),
      )
    })

async function editOf({ name, notes, notesFile, tag = [], untag = [] }: Options): Promise<ExperimentEdit> {
  if (notes !== undefined && notesFile !== undefined)
    throw new UsageError('--notes and --notes-file both say what the notes are')
  const written = notesFile === undefined ? notes : await read(notesFile)
  const tags = Object.fromEntries([
    ...untag.map((key): [string, null] => [key, null]),
    ...tag.map(pair => split(pair, '=')),
  ])
  return {
    ...(name !== undefined && { name: name || null }),
    ...(written !== undefined && { notes: written || null }),
    ...(Object.keys(tags).length > 0 && { tags }),
  }
}

const read = (file: string) =>
  (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch((error: Error) => {
    throw unreadable(file, error)
  })
