/** moto's S3 server. In a file of its own, for asking whether Python has it takes a second. */
import { execFileSync, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeBucket } from '../../src/objects/s3.ts'
import { end } from './child-processes.ts'
import { freePort } from './free-port.ts'
import { configOf, type S3Server } from './s3-server.ts'

/** Why moto's S3 server cannot be had here; false where it can. */
export const noMoto: string | false = (() => {
  try {
    execFileSync('moto_server', ['--help'], { stdio: 'ignore' })
    return false
  } catch {
    return 'moto_server is not installed (pip install "moto[server]")'
  }
})()

/** moto, where Python has it: its own implementation, with the listing of unfinished uploads. */
export async function startMoto(): Promise<S3Server> {
  const port = await freePort()
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  const config = configOf(`http://127.0.0.1:${port}`)
  for (const deadline = Date.now() + 20_000; ; await sleep(200)) {
    const made = await makeBucket(config).catch(error => error as Error)
    if (made === true) break
    if (made === false || Date.now() > deadline) throw made || new Error('the bucket was there before')
  }
  return { config, stop: () => end(child, 'SIGKILL') }
}
