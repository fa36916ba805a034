/** Begins an object in the given folder, says so, and never ends. */
import { onParentGone } from '../../src/children.ts'
import { openObjects } from '../../src/objects/open.ts'

const writer = await (await openObjects({ objectsDir: process.argv[2] })).write('half', 'text/plain')
await writer.append(new Uint8Array(1000))
process.send!('written')
onParentGone(() => process.exit())
