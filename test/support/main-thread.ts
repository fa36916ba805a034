/** What Linux's scheduler counts of the main thread. */
import { readFileSync } from 'node:fs'

/**
 * Milliseconds that the main thread has had a processor, and has waited for one; counted up to the last tick of the system's clock.
 * Throws where the system does not tell.
 */
export function scheduled(): { cpu: number; waited: number } {
  const [cpu, waited] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
  return { cpu: Number(cpu) / 1e6, waited: Number(waited) / 1e6 }
}
