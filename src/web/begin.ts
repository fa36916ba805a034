/**
 * What runs first, and is small: it asks for what the address names, while the browser still reads the program of the pages
 * (main.tsx), which is many times as large.
 */
import { parseAddress } from './address.ts'
import { begin } from './begun.ts'
import { ledger } from './ledger.ts'
import { lookOf, nameOf, readCurves, readRows } from './look.ts'
import { overlayOf, readOverlaid } from './overlaid.ts'

const { path, query } = parseAddress(location.hash)
const [first, id] = path
if (first === 'experiments' && id !== undefined)
  begin(`experiment ${id}`, () => ledger.get(id)).then(
    experiment => {
      if (query.has('tab')) return
      const look = lookOf(experiment, query)
      begin(nameOf('curves', look), () => readCurves(look))
      begin(nameOf('rows', look), () => readRows(look))
    },
    () => {},
  )
if (first === 'overlay') {
  const overlay = overlayOf(query)
  begin(JSON.stringify(overlay), () => readOverlaid(overlay))
}

void import('./main.tsx')
