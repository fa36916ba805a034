/** What is asked for before the program that shows it has come: begun by begin.ts, taken once by the page that needs it. */
const begun = new Map<string, Promise<unknown>>()

/** Begins a load, for whoever takes it by its name; one that is begun is begun once. */
export function begin<T>(name: string, load: () => Promise<T>): Promise<T> {
  const before = begun.get(name) as Promise<T> | undefined
  if (before) return before
  const loading = load()
  // Whoever takes it hears of a failure; where nobody does, nobody misses it.
  loading.catch(() => {})
  begun.set(name, loading)
  return loading
}

/** What was begun under a name, which nobody gets twice, or what `load` gives. */
export function taken<T>(name: string, load: () => Promise<T>): Promise<T> {
  const loading = begun.get(name) as Promise<T> | undefined
  begun.delete(name)
  return loading ?? load()
}
