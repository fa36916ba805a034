/** The loss of a run as a line: [iteration, loss] before every iteration, and after the last; empty where there is none. */
export function lossPoints({
  iteration,
  loss,
  lossAfter,
}: Record<'iteration' | 'loss' | 'lossAfter', ArrayLike<number>>): [number, number][] {
  const last = iteration.length - 1
  if (last < 0) return []
  const before = Array.from(iteration, (t, i): [number, number] => [t, loss[i]])
  return [...before, [iteration[last] + 1, lossAfter[last]]]
}
