/** The sizes beyond which a network is refused: no machine that is meant to run it could, attempt after attempt. */
import type { FieldError } from './errors.ts'
import type { NetworkFacts } from './facts.ts'

/** A float64 vector of these is 1 GiB, and allocation holds several for each split. */
export const mostParameters = 2 ** 27

/** GiB of activations and their gradients in one pass: what the largest accelerators hold. */
export const mostGibibytes = 64

/** What is wrong with how many parameters a network has. */
export function checkParameters({ parameters }: NetworkFacts): FieldError[] {
  const path = '$.architecture'
  if (parameters === 0) return [{ path, message: 'must have a layer with parameters, or nothing is trained' }]
  if (parameters <= mostParameters) return []
  return [{ path, message: `must have at most ${mostParameters} parameters, has ${parameters}` }]
}

/** Which of the two passes, a training batch and a chunk, hold more than they may. What is not a number yet holds nothing. */
export function checkActivations(
  { bytesPerExample }: NetworkFacts,
  batchSize: number,
  chunkSize: number | 'auto',
): FieldError[] {
  const most = Math.floor((mostGibibytes * 2 ** 30) / bytesPerExample)
  const limit = `${mostGibibytes} GiB of activations and their gradients`
  const each = `an example has ${Math.ceil(bytesPerExample / 2 ** 20)} MiB`
  if (most < 1) return [{ path: '$.architecture', message: `must have at most ${limit} an example; ${each}` }]
  const passes = { '$.training.batchSize': batchSize, '$.allocation.chunkSize': chunkSize }
  return Object.entries(passes)
    .filter(([, examples]) => Number(examples) > most)
    .map(([path, examples]) => ({
      path,
      message: `must be ≤ ${most} with this network, to hold at most ${limit} (${each}); got ${examples}`,
    }))
}
