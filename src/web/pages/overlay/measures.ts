/** What curves can be of: in words, and shorter. */
export const measures = {
  loss: ['loss', 'loss'],
  helpFractionOfMoved: ['help fraction of what moved', 'help fraction'],
} as const

/** Where curves end, of one at least, the lowest first: the ends, and what is in the middle, of which two have nothing. */
export function endsInWords(ends: string[]): string {
  if (ends.length === 1) return `ends with ${ends[0]}`
  const between = `ends between ${ends[0]} and ${ends[ends.length - 1]}`
  const half = ends.length / 2
  if (half === 1) return between
  return half % 1 === 0
    ? `${between}; the two in the middle are ${ends[half - 1]} and ${ends[half]}`
    : `${between}; the middle one is ${ends[half - 0.5]}`
}
