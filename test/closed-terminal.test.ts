/** What becomes of a server whose terminal is closed: Node aborts at its exit, and handlers of faults would go round in that. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

// Of util-linux, whose options others do not have.
const hasScript = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

test('a server closes when its terminal does, and ends', {
  skip: !hasScript && 'no script of util-linux',
  timeout: 60_000,
}, async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const entry = fileURLToPath(new URL('support/terminal-child.js', import.meta.url))
  const { port } = server.address() as AddressInfo
  const terminal = spawn('script', ['-qec', `exec '${process.execPath}' '${entry}' ${port}`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => {
    terminal.kill('SIGKILL')
    server.close()
  })
  const runs = (async () => {
    for await (const shown of terminal.stdout) if (/it runs/.test(String(shown))) return
  })()
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [pid] = await once(socket.setEncoding('utf8'), 'data')
  t.after(() => {
    if (!socket.closed) process.kill(Number(pid), 'SIGKILL')
  })
  await runs
  // What holds the other end of the terminal is gone, at once.
  terminal.kill('SIGKILL')
  assert.equal(await text(socket), 'closed')
})
