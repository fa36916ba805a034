/** Content negotiation: which of the media types that there are does Accept prefer? (RFC 9110, 12.5.1) */
import { ProblemError } from '../problem.ts'

/** The offer with the highest quality; the earlier offer wins a tie. Without Accept, the first. Throws 406. */
export function negotiate<T extends string>(accept: string | undefined, offers: readonly T[]): T {
  if (accept === undefined || accept.trim() === '') return offers[0]
  const ranges = accept.split(',', 50).map(parseRange)
  let best: T | undefined
  let bestQuality = 0
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges)
    if (quality > bestQuality) [best, bestQuality] = [offer, quality]
  }
  if (best === undefined)
    throw new ProblemError('not-acceptable', `this can be had as ${offers.join(' or ')}`)
  return best
}

type MediaRange = { type: string; quality: number }

function parseRange(text: string): MediaRange {
  const [type, ...parameters] = text.split(';').map(part => part.trim().toLowerCase())
  const q = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
  const quality = q === undefined ? 1 : Number(q)
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 }
}

/** The most specific range that matches decides. */
function qualityOf(offer: string, ranges: MediaRange[]): number {
  for (const pattern of [offer, `${offer.split('/')[0]}/*`, '*/*']) {
    const range = ranges.find(({ type }) => type === pattern)
    if (range) return range.quality
  }
  return 0
}
