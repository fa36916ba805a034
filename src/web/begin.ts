/**
 * What runs first, and is small: it asks for what the address names, while the browser still reads the program of the pages
 * (main.tsx), which is many times as large.
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

void import('./main.tsx')
if (!['', 'experiments', 'overlay'].includes(first ?? '') || (id !== undefined && query.has('tab')))
  void import('./others.ts')
