import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import {
  type Artifact,
  bytesOf,
  type LedgerClient,
  type Span,
} from '../../../clients/typescript/src/index.ts'
import { printable } from '../../printable.ts'
import { experimentId, idHelp, open, whole } from '../connection.ts'
import { MissingError, UsageError } from '../exit.ts'
import { checkName, placeFor, writeWhole } from '../files.ts'
import { withAmends } from '../interruption.ts'

type Options = Span & { out?: string }

export default (program: Command) =>
  program
    .command('download')
    .argument('<experiment>', idHelp)
    .argument(
      '[names...]',
      "artifacts, or globs of them ('allocations/train/*'); all that are stored if absent",
    )
    .description('download artifacts, checked by SHA-256; what is there already is not fetched again')
    .option('-o, --out <folder>', 'where to; a folder with the id of the experiment if absent')
    .option('--from <iteration>', 'of weights.npy and other joined tensors: the first iteration', whole)
    .option('--to <iteration>', 'the iteration to stop before', whole)
    .addHelpText(
      'after',
      `
weights.npy, allocations/{split}.npy and neurons/{split}.npy are the tensors of all segments in one:
  ledger download last weights.npy allocations/train.npy --from 100 --to 200
Weights have a row more than the others: before the first iteration, and after each.`,
    )
    .action(async (typed: string, names: string[], { out, ...span }: Options, command: Command) => {
      const session = open(command)
      const { ledger } = session
      const id = await experimentId(ledger, typed)
      const all: Artifact[] = []
      for await (const artifact of ledger.artifacts(id)) all.push(artifact)
      const patterns = names.map(globPattern)
      const wanted = all.filter(({ name, derived }) =>
        // What is put together from others is not wanted beside them, unless it is asked for.
        patterns.length === 0 ? !derived : patterns.some(pattern => pattern.test(name)),
      )
      if (wanted.length === 0)
        throw new MissingError(
          all.length === 0
            ? `${id} has no artifacts (yet)`
            : `none of its ${all.length} artifacts is called so: ${all
                .slice(0, 3)
                .map(({ name }) => printable(name))
                .join(', ')}, …`,
        )
      const spanned = (span.from ?? span.to) !== undefined
      const whole = wanted.find(({ derived }) => !derived)
      if (spanned && whole)
        throw new UsageError(
          `--from and --to are for joined tensors (weights.npy, …); ${printable(whole.name)} is downloaded whole`,
        )
      // Before anything is written: an API with one such name is not to be trusted with the others.
      for (const { name } of wanted) checkName(name)
      const files = await fetchAll(ledger, id, wanted, out ?? id, span)
      session.print(files, shown =>
        shown.map(({ file, fetched }) => `${file}${fetched ? '' : '  (was there)'}`).join('\n'),
      )
    })

async function fetchAll(
  ledger: LedgerClient,
  id: string,
  artifacts: Artifact[],
  folder: string,
  { from, to }: Span,
) {
  const bar = process.stderr.isTTY ? (await import('../progress.ts')).bytesBar(process.stderr) : undefined
  bar?.start(
    artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
    0,
    { name: '' },
  )
  const part = (from ?? to) === undefined ? '' : `-${from ?? 0}-${to ?? 'end'}`
  const files: { name: string; file: string; bytes: number; fetched: boolean }[] = []
  const fetchEach = async () => {
    for (const { name, bytes, sha256 } of artifacts) {
      bar?.update({ name: printable(name) })
      const file = await placeFor(folder, name.replace(/(\.npy)?$/, `${part}$1`))
      const there = sha256 !== null && (await digestOf(file)) === sha256
      if (there) bar?.increment(bytes)
      const got = there
        ? bytes
        : await fetchOne(ledger, { id, name, file, sha256 }, { from, to }, count => bar?.increment(count))
      files.push({ name, file, bytes: got, fetched: !there })
    }
  }
  const stopped = () => {
    bar?.stop()
    return `stopped: ${files.length} of ${artifacts.length} files are there, whole; the same command fetches the rest`
  }
  await withAmends(stopped, fetchEach).finally(() => bar?.stop())
  return files
}

type Wanted = { id: string; name: string; file: string; sha256: string | null }

/**
 * Downloads a file, and returns how many bytes it has. What is put together from others has no digest here: an API that
 * finds one of them damaged breaks off.
 */
async function fetchOne(
  ledger: LedgerClient,
  { id, name, file, sha256 }: Wanted,
  span: Span,
  count: (bytes: number) => void,
): Promise<number> {
  const hash = createHash('sha256')
  let bytes = 0
  async function* metered(pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      hash.update(piece)
      bytes += piece.length
      count(piece.length)
      yield piece
    }
  }
  await writeWhole(file, metered(bytesOf(await ledger.download(id, name, span))), () => {
    if (sha256 !== null && hash.digest('hex') !== sha256)
      throw new Error(`${name} arrived damaged: its SHA-256 is not ${sha256}`)
  })
  return bytes
}

/** The SHA-256 of a file; undefined where there is none. */
async function digestOf(file: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(file), hash)
    return hash.digest('hex')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A name in which * stands for anything. */
function globPattern(glob: string): RegExp {
  const parts = glob.split('*').map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}
