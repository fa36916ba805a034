import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SingleBar } from 'cli-progress'
import type { Command } from 'commander'
import type { Artifact, LedgerClient } from '../../../clients/typescript/src/index.ts'
import { experimentId, idHelp, open } from '../connection.ts'
import { MissingError } from '../exit.ts'
import { barOptions } from '../progress.ts'

type Options = { out?: string }

export default (program: Command) =>
  program
    .command('download')
    .argument('<experiment>', idHelp)
    .argument('[names...]', "artifacts, or globs of them ('allocations/train/*'); all if absent")
    .description('download artifacts, checked by SHA-256; what is there already is not fetched again')
    .option('-o, --out <folder>', 'where to; a folder with the id of the experiment if absent')
    .action(async (typed: string, names: string[], { out }: Options, command: Command) => {
      const session = open(command)
      const { ledger } = session
      const id = await experimentId(ledger, typed)
      const all: Artifact[] = []
      for await (const artifact of ledger.artifacts(id)) all.push(artifact)
      const patterns = names.map(globPattern)
      const wanted = all.filter(
        ({ name }) => patterns.length === 0 || patterns.some(pattern => pattern.test(name)),
      )
      if (wanted.length === 0)
        throw new MissingError(
          all.length === 0
            ? `${id} has no artifacts (yet)`
            : `none of its ${all.length} artifacts is called so: ${all
                .slice(0, 3)
                .map(({ name }) => name)
                .join(', ')}, …`,
        )
      const folder = out ?? id
      const files = await fetchAll(ledger, id, wanted, folder)
      session.print(files, () =>
        files.map(({ file, fetched }) => `${file}${fetched ? '' : '  (was there)'}`).join('\n'),
      )
    })

async function fetchAll(ledger: LedgerClient, id: string, artifacts: Artifact[], folder: string) {
  const bar = process.stderr.isTTY
    ? new SingleBar({ ...barOptions, stream: process.stderr, format: '{bar} {percentage} %  {name}' })
    : undefined
  bar?.start(
    artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
    0,
    { name: '' },
  )
  const files: { name: string; file: string; bytes: number; fetched: boolean }[] = []
  try {
    for (const { name, bytes, sha256 } of artifacts) {
      bar?.update({ name })
      const file = path.join(folder, ...name.split('/'))
      const there = (await digestOf(file)) === sha256
      if (there) bar?.increment(bytes)
      else await fetchOne(ledger, id, name, file, sha256, count => bar?.increment(count))
      files.push({ name, file, bytes, fetched: !there })
    }
  } finally {
    bar?.stop()
  }
  return files
}

/** Downloads beside the file and moves it there once it is whole and right. */
async function fetchOne(
  ledger: LedgerClient,
  id: string,
  name: string,
  file: string,
  sha256: string,
  count: (bytes: number) => void,
): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  const hash = createHash('sha256')
  const meter = new Transform({
    transform(chunk: Uint8Array, _, done) {
      hash.update(chunk)
      count(chunk.length)
      done(null, chunk)
    },
  })
  const part = `${file}.part`
  try {
    const { body } = await ledger.download(id, name)
    await pipeline(
      Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]),
      meter,
      createWriteStream(part),
    )
    if (hash.digest('hex') !== sha256)
      throw new Error(`${name} arrived damaged: its SHA-256 is not ${sha256}`)
    await rename(part, file)
  } finally {
    await rm(part, { force: true })
  }
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
