/**
 * At most so many rows of a curve, for plotting: the first, the last, and the lowest and highest loss of each part between.
 * The parts hold equally many of the rows between the first (part 0) and the last; where these are many, a part begins at the
 * next multiple of a hundred iterations, or of more, up to an eighth of what a part has: of such spans the lowest and the
 * highest are stored (store/coarse.ts).
 */
import { extremeLevels, type extremes, isLower, type Piece } from '../../../store/coarse.ts'
import { type Row, rowOf } from './rows.ts'

/** An iteration that is kept, and its row where that is read already. */
export type Found = { iteration: number; loss: number; row?: () => Row }

const partsOf = (points: number) => Math.floor((points - 2) / 2)

/** Of spans of how many iterations the extremes are read to thin out `total` rows to `points`; 1: of single iterations. */
export function everyOf(total: number, points: number): number {
  if (total <= points) return 1
  return extremeLevels.findLast(level => 8 * level * partsOf(points) <= total - 2) ?? 1
}

/** Thins out the `total` rows of a span, whose pieces are added in order. Of pieces that have all of `wanted` rows are made. */
export function makeThinner(total: number, points: number, wanted: readonly string[]) {
  const parts = partsOf(points)
  const every = everyOf(total, points)
  const kept: Found[] = []
  let part = 0
  // The lowest and the highest of the part so far.
  let lowest: Found | undefined
  let highest: Found | undefined
  const flush = () => {
    if (!lowest || !highest) return
    if (lowest.iteration === highest.iteration) kept.push(lowest)
    else kept.push(...[lowest, highest].sort((a, b) => a.iteration - b.iteration))
    lowest = highest = undefined
  }
  // Rows so far, and those before the span of `every` iterations that this one is in.
  let n = 0
  let [beforeSpan, inSpan] = [0, Number.NaN]
  return {
    add(piece: Piece): void {
      const { columns } = piece
      const isCoarse = piece.every > 1
      const isWhole = isCoarse || wanted.every(name => name in columns)
      const foundIn = (at: number, extreme: Extreme): Found => {
        if (isCoarse) return extremeOf(piece, extreme, at)
        const iteration = piece.from + at
        const found = { iteration, loss: columns.lossBefore[at] }
        return isWhole ? { ...found, row: () => rowOf(piece, at, iteration) } : found
      }
      const [lows, highs] = isCoarse
        ? [columns['lowest.lossBefore'], columns['highest.lossBefore']]
        : [columns.lossBefore, columns.lossBefore]
      for (let at = 0; at < lows.length; at++) {
        const own = Math.floor((piece.from + at * piece.every) / every)
        if (own !== inSpan) [beforeSpan, inSpan] = [n, own]
        const first = n
        n += piece.every
        // The last of all is in no part.
        if (total <= points || first >= total - 1) {
          flush()
          kept.push(foundIn(at, 'lowest'))
          continue
        }
        const before = Math.max(1, beforeSpan) - 1
        const place = first === 0 ? 0 : Math.min(parts, 1 + Math.floor((before * parts) / (total - 2)))
        if (place !== part) flush()
        part = place
        if (!lowest || isLower(lows[at], lowest.loss)) lowest = foundIn(at, 'lowest')
        if (!highest || isLower(highest.loss, highs[at])) highest = foundIn(at, 'highest')
      }
    },
    /** What is kept; nothing is added any more. */
    end(): Found[] {
      flush()
      return kept
    },
  }
}

type Extreme = (typeof extremes)[number]

/** The lowest or the highest of a span whose extremes are stored. */
function extremeOf(piece: Piece, extreme: Extreme, at: number): Found {
  const iteration = piece.columns[`${extreme}.iteration`][at]
  const row = () => rowOf(piece, at, iteration, `${extreme}.`)
  return { iteration, loss: piece.columns[`${extreme}.lossBefore`][at], row }
}
