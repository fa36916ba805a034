/**
 * Coarse tables: of every 10, 100, 1,000 and 10,000 iterations the sums of allocations, and of every 100 and more the
 * iterations with the lowest and the highest loss. What is asked of a whole run in few parts is answered from them, with
 * the same bits as from the blocks that they are made of (ladder.ts); where they are not there, blocks are read.
 *
 * They are made of chunks of 10,000 iterations (fewer at the end of the run) once all segments of these are recorded, and
 * go with any of them that is recorded again. They take 5 bytes an iteration, variable and split. How they are made: coarsen.ts.
 */
import { type Block, type Queryable, readBlocks } from './blocks.ts'
import { levels } from './ladder.ts'

/** Of shorter runs, and parts, blocks are read at once. */
export const fewIterations = 1000

/** Spans of which extremes are kept: of shorter ones they would take a fifth of what iterations do. */
export const extremeLevels = levels.filter(every => every >= 100)

/** The columns of a table of extremes: those of the iterations, of either extreme, and which iteration it is. */
export const extremes = ['lowest', 'highest'] as const

/** Of losses: what is not a number counts as the highest. */
export const isLower = (x: number, y: number): boolean => x < y || (Number.isNaN(y) && !Number.isNaN(x))

/** A block whose rows are of `every` iterations each, or as many rows in their order. */
export type Piece = Block & { every: number }

type Options = {
  signal?: AbortSignal | undefined
  /** Columns of blocks that are wanted, all if absent; and of coarse ones. */
  only?: readonly string[] | undefined
  onlyCoarse?: readonly string[] | undefined
}

/**
 * Reads a table over [from, to), as far as it is stored, in order: of spans of `every` iterations, or of lower levels at
 * ragged ends, or of single iterations where there is nothing coarser. Ends as readBlocks does.
 */
export async function* readSpans(
  db: Queryable,
  what: { id: string; kind: 'allocations' | 'iterations'; split: string },
  { from, to }: { from: number; to: number },
  every: number,
  options: Options = {},
): AsyncGenerator<Piece[], void> {
  if (from >= to) return
  const level = (levels as readonly number[]).indexOf(every)
  if (level < 0) return yield* readSingle(db, what, { from, to }, options)
  const lower = levels[level - 1] ?? 1
  if (to - from < every) return yield* readSpans(db, what, { from, to }, lower, options)
  const begin = Math.ceil(from / every) * every
  const end = Math.floor(to / every) * every
  // What is ragged is asked for at once: who waits for few numbers waits for answers, not for bytes.
  const first = begun(readSpans(db, what, { from, to: begin }, lower, options))
  const last = begun(readSpans(db, what, { from: end, to }, lower, options))
  yield* first
  let next = begin
  const kind = `${what.kind}/${every}`
  const { signal, onlyCoarse } = options
  if (begin < end)
    for await (const page of readBlocks(
      db,
      { ...what, kind },
      { from: begin, to: end },
      signal,
      onlyCoarse,
      what.kind === 'iterations' ? every : Math.max(1, Math.floor(6 / (onlyCoarse?.length ?? 6))),
    )) {
      let whole: Piece[] = []
      for (const block of page) {
        if (block.from > next) {
          if (whole.length > 0) yield whole
          whole = []
          yield* readSingle(db, what, { from: next, to: block.from }, options)
        }
        whole.push({ ...block, every })
        next = block.to
      }
      yield whole
    }
  yield* readSingle(db, what, { from: next, to: end }, options)
  yield* last
}

/** The same pages, of which the first is asked for now. */
export function begun<T>(pages: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const first = pages.next()
  // Whoever never comes to it must not leave a rejection that nobody hears.
  first.catch(() => {})
  return (async function* () {
    const { value, done } = await first
    if (done) return
    yield value
    yield* pages
  })()
}

async function* readSingle(
  db: Queryable,
  what: { id: string; kind: string; split: string },
  { from, to }: { from: number; to: number },
  { signal, only }: Options,
): AsyncGenerator<Piece[], void> {
  if (from >= to) return
  for await (const page of readBlocks(db, what, { from, to }, signal, only))
    yield page.map(block => ({ ...block, every: 1 }))
}
