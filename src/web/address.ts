/**
 * Where the reader is, in the fragment of the address: #/experiments/{id}?tab=layers&from=100. The server never sees it,
 * so the pages work under any path that a proxy gives them; back, forward and a copied link are the browser's own.
 */

export type Address = { path: string[]; query: URLSearchParams }

export function parseAddress(fragment: string): Address {
  const [path, query = ''] = fragment.replace(/^#?\/?/, '').split('?', 2)
  return {
    path: path.split('/').filter(Boolean).map(decode),
    query: new URLSearchParams(query),
  }
}

const decode = (part: string) => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** A link within the pages. What is undefined or empty is left out. */
export function linkTo(path: string[], query: Record<string, string | string[] | undefined> = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of [value ?? []].flat()) if (one !== '') search.append(name, one)
  const text = search.toString()
  return `#/${path.map(encodeURIComponent).join('/')}${text && `?${text}`}`
}

/** Changes parts of the query. Replaced: no step of its own for the back button. */
export function changeQuery(
  changes: Record<string, string | string[] | undefined>,
  { replace = false } = {},
): void {
  const { path, query } = parseAddress(location.hash)
  const all: Record<string, string[]> = {}
  for (const name of query.keys()) all[name] = query.getAll(name)
  const target = linkTo(path, { ...all, ...changes })
  if (!replace) location.hash = target
  else if (target !== location.hash) {
    history.replaceState(null, '', target)
    dispatchEvent(new HashChangeEvent('hashchange'))
  }
}
