/** Many requests, one query: what is asked for while a query runs is asked for together when it is done. */

const atOnce = 2

/**
 * Turns a query by many keys into a look-up by one. A look-up never joins a query that began before it did, so what it
 * returns is never older than the request: this is no cache. Two queries are under way at a time, so that one is
 * answered while the other runs; under load they carry more keys, and the cost of a look-up falls.
 */
export function batched<V>(
  load: (keys: string[]) => Promise<Map<string, V>>,
): (key: string) => Promise<V | undefined> {
  type Batch = { keys: Set<string>; result: Promise<Map<string, V>>; start: () => void }
  let waiting: Batch | undefined
  let running = 0

  const open = (): Batch => {
    let start = () => {}
    const keys = new Set<string>()
    const started = new Promise<void>(resolve => {
      start = resolve
    })
    return { keys, start, result: started.then(() => load([...keys])) }
  }
  const next = () => {
    if (running >= atOnce || waiting === undefined) return
    const batch = waiting
    waiting = undefined
    running++
    const done = () => {
      running--
      next()
    }
    batch.result.then(done, done)
    batch.start()
  }
  return async key => {
    if (waiting === undefined) {
      waiting = open()
      // After the other requests that this turn of the event loop has read.
      setImmediate(next)
    }
    waiting.keys.add(key)
    return (await waiting.result).get(key)
  }
}
