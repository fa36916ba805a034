/** Starts a real worker as `npm start` does, tells its pid, and stays. */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onParentGone } from '../../src/children.ts'

const entry = fileURLToPath(new URL('../../workers/main.js', import.meta.url))
const worker = fork(entry, [], { detached: true, stdio: 'ignore', execArgv: [] })
process.send!(worker.pid)
onParentGone(() => process.exit())
