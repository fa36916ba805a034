/**
 * What runs first, and is small: it asks for what the address names, while the browser still reads the program of the pages
 * (main.tsx), which is many times as large, and their styles, for which a script that is not asynchronous would wait.
 */
import { parseAddress } from './address.ts'
import { begin } from './begun.ts'
import { ledger } from './ledger.ts'
import { beginTables, lookOf, unknownLook } from './look.ts'
import { overlayOf, readOverlaid } from './overlaid.ts'

const { path, query } = parseAddress(location.hash)
const [first, id] = path
if (first === 'experiments' && id !== undefined) {
  const isLedger = !query.has('tab')
  const experiment = begin(`experiment ${id}`, () => ledger.get(id))
  // What of the ledger is shown first need not wait for what the experiment is.
  const unknown = isLedger && unknownLook(id, query)
  if (unknown) beginTables(unknown)
  experiment.then(
    known => isLedger && beginTables(lookOf(known, query)),
    () => {},
  )
}
if (first === 'overlay') {
  const overlay = overlayOf(query)
  begin(JSON.stringify(overlay), () => readOverlaid(overlay))
}

void Promise.all([import('./main.tsx'), styled()]).then(([{ start }]) => start())
if (!['', 'experiments', 'overlay'].includes(first ?? '') || (id !== undefined && query.has('tab')))
  void import('./others.ts')

/**
 * When there is a document to draw into and its styles say how: this program is run without waiting for either. Not for styles
 * that cannot be had.
 */
async function styled(): Promise<void> {
  if (document.readyState === 'loading')
    await new Promise(done => addEventListener('DOMContentLoaded', done, { once: true }))
  for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel=stylesheet]')) {
    if (link.sheet !== null || document.readyState === 'complete') continue
    await new Promise(done => {
      for (const event of ['load', 'error']) link.addEventListener(event, done, { once: true })
      addEventListener('load', done, { once: true })
    })
  }
}
