/** Names of fields, such as spec.optimizer.learningRate: how they are read and written. */

/** The steps of a name such as spec.optimizer.learningRate or tags."my key". undefined: it is none. */
export function parsePath(name: string): string[] | undefined {
  const step = /(?:"((?:[^"\\]|\\["\\])*)"|([\p{L}\p{N}_-]+))(\.|$)/uy
  const steps: string[] = []
  for (let more = true; more; ) {
    const match = step.exec(name)
    if (match === null) return undefined
    steps.push(match[2] ?? match[1].replaceAll(/\\(.)/g, '$1'))
    more = match[3] === '.'
  }
  // No NUL: Postgres has no such character.
  return steps.some(one => one.includes('\0')) ? undefined : steps
}

/** A path as it is written; the opposite of parsePath. */
export const nameOf = (path: string[]): string =>
  path
    .map(step => (/^[\p{L}\p{N}_-]+$/u.test(step) ? step : `"${step.replaceAll(/["\\]/g, '\\$&')}"`))
    .join('.')
