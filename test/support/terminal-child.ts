/** What `ledger serve` is to its terminal, without a server: says on a socket who it is, and that it was closed. */
import { connect } from 'node:net'
import { closeInTheEnd } from '../../src/cli/closing.ts'
import { createLog } from '../../src/log.ts'

const socket = connect(Number(process.argv[2]), '127.0.0.1')
const close = () => new Promise<void>(resolve => socket.write('closed', () => resolve()))
const log = createLog('serve', 'info')
closeInTheEnd({ broken: new Promise(() => {}), close }, log)
socket.write(String(process.pid))
log.info('it runs')
