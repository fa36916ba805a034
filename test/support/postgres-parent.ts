/** Starts an embedded Postgres on the given directory, tells its URL, and stays. */

import { pino } from 'pino'
import { onParentGone } from '../../src/children.ts'
import { startEmbeddedPostgres } from '../../src/postgres/embedded.ts'

const postgres = await startEmbeddedPostgres(process.argv[2], pino({ level: 'silent' }))
process.send!(postgres.url)
onParentGone(() => process.exit())
