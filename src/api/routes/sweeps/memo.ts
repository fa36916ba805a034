/**
 * What was made of a state, kept for whoever asks for it in the same state: while that is being made, it is waited for. Of what
 * was not asked for longest less is kept, so that all of it weighs at most `most`.
 */
export function makeMemo<Value extends { state: string }>(most: number, weightOf: (value: Value) => number) {
  // In the order in which they were asked for.
  const kept = new Map<string, { value: Value; weight: number }>()
  const making = new Map<string, Promise<Value>>()
  let total = 0
  const forget = (key: string) => {
    total -= kept.get(key)?.weight ?? 0
    kept.delete(key)
  }
  const keep = (key: string, value: Value) => {
    forget(key)
    const weight = weightOf(value)
    if (weight > most) return
    kept.set(key, { value, weight })
    total += weight
    for (const oldest of kept.keys()) {
      if (total <= most) break
      forget(oldest)
    }
  }
  /** What `make` makes of the state, or of a later one, which it then names. Rejects as `make` does, and nothing is kept of that. */
  return async (key: string, state: string, make: () => Promise<Value>): Promise<Value> => {
    const found = kept.get(key)
    if (found?.value.state === state) {
      kept.delete(key)
      kept.set(key, found)
      return found.value
    }
    const flight = `${key} ${state}`
    const own =
      making.get(flight) ??
      make()
        .then(value => {
          keep(key, value)
          return value
        })
        .finally(() => making.delete(flight))
    making.set(flight, own)
    return own
  }
}
