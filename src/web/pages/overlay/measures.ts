/** What curves can be of: in words, and shorter. */
export const measures = {
  loss: ['loss', 'loss'],
  helpFractionOfMoved: ['help fraction of what moved', 'help fraction'],
} as const
