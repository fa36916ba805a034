/** The terminal that this process was started in, and may outlive. */
import { isatty } from 'node:tty'

const terminals = [0, 1, 2].filter(isatty)

/**
 * Ends the process by SIGHUP where a terminal it was started in is gone; to be called before it exits. At an exit Node gives
 * terminals their modes back, and aborts where that fails (seen with Node 20).
 */
export function leaveTerminal(): void {
  if (terminals.every(isatty)) return
  process.removeAllListeners('SIGHUP')
  process.kill(process.pid, 'SIGHUP')
}
