/** What `ledger serve` does, with little patience for a PostgreSQL that does not start; tells its URL and what it logs. */
import { pino } from 'pino'
import { closeInTheEnd } from '../../src/cli/closing.ts'
import { startServer } from '../../src/cli/serve.ts'
import { readConfig } from '../../src/config.ts'

const log = pino({ level: 'info' }, { write: (line: string) => void process.send!({ line }) })
const server = await startServer({ ...readConfig(), port: 0 }, log, { first: 1, longest: 20, tries: 10 })
closeInTheEnd(server, log)
process.send!({ url: server.url })
