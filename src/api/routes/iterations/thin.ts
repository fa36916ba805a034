/**
 * At most so many rows of a curve, for plotting: the first, the last, and the lowest and highest loss of each part between.
 * The parts hold equally many of the rows between the first (part 0) and the last; where these are many, a part begins at the
 * next multiple of a hundred iterations, or of more, up to an eighth of what a part has: of such spans the lowest and the
 * highest are stored (store/coarse.ts).
 */
import { extremeLevels, isLower, type Piece } from '../../../store/coarse.ts'
import type { Place } from './rows.ts'

const partsOf = (points: number) => Math.floor((points - 2) / 2)

/** Of spans of how many iterations the extremes are read to thin out `total` rows to `points`; 1: of single iterations. */
export function everyOf(total: number, points: number): number {
  if (total <= points) return 1
  return extremeLevels.findLast(level => 8 * level * partsOf(points) <= total - 2) ?? 1
}

/** Where an extreme is: in which piece, and where in it. */
type Extreme = { piece: Piece; at: number; loss: number }

/** Thins out the `total` rows of a span, whose pieces are added in order. */
export function makeThinner(total: number, points: number) {
  const parts = partsOf(points)
  const every = everyOf(total, points)
  const kept: Place[] = []
  let part = 0
  // The lowest and the highest of the part so far.
  let lowest: Extreme | undefined
  let highest: Extreme | undefined
  const flush = () => {
    if (!lowest || !highest) return
    const [low, high] = [placeOf(lowest, 'lowest.'), placeOf(highest, 'highest.')]
    if (low.iteration === high.iteration) kept.push(low)
    else if (low.iteration < high.iteration) kept.push(low, high)
    else kept.push(high, low)
    lowest = highest = undefined
  }
  // Rows so far, and those before the span of `every` iterations that this one is in.
  let n = 0
  let beforeSpan = 0
  let inSpan = Number.NaN
  return {
    add(piece: Piece): void {
      const { columns } = piece
      const [lows, highs] =
        piece.every > 1
          ? [columns['lowest.lossBefore'], columns['highest.lossBefore']]
          : [columns.lossBefore, columns.lossBefore]
      for (let at = 0; at < lows.length; at++) {
        const own = Math.floor((piece.from + at * piece.every) / every)
        if (own !== inSpan) {
          beforeSpan = n
          inSpan = own
        }
        const first = n
        n += piece.every
        // The last of all is in no part.
        if (total <= points || first >= total - 1) {
          flush()
          kept.push(placeOf({ piece, at }, 'lowest.'))
          continue
        }
        const before = Math.max(1, beforeSpan) - 1
        const place = first === 0 ? 0 : Math.min(parts, 1 + Math.floor((before * parts) / (total - 2)))
        if (place !== part) flush()
        part = place
        // Changed where they are: a loss that falls has a new lowest every time.
        if (!lowest) lowest = { piece, at, loss: lows[at] }
        else if (isLower(lows[at], lowest.loss)) put(lowest, piece, at, lows[at])
        if (!highest) highest = { piece, at, loss: highs[at] }
        else if (isLower(highest.loss, highs[at])) put(highest, piece, at, highs[at])
      }
    },
    /** What is kept, in order; nothing is added any more. */
    end(): Place[] {
      flush()
      return kept
    },
  }
}

function put(extreme: Extreme, piece: Piece, at: number, loss: number): void {
  extreme.piece = piece
  extreme.at = at
  extreme.loss = loss
}

/** The iteration of a row, or where extremes are stored the one that is meant. */
function placeOf({ piece, at }: Pick<Extreme, 'piece' | 'at'>, extreme: string): Place {
  const { columns, from, every } = piece
  if (every === 1) return { iteration: from + at, columns, at, prefix: '' }
  return { iteration: columns[`${extreme}iteration`][at], columns, at, prefix: extreme }
}
