/** The ledger command against a real API: what it prints, where, and with which exit code it ends. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { addLogLines } from '../src/store/log-lines.ts'
import { minimalSpec, post, storeArtifact } from './support/api.ts'
import { api, folder, ok, resident, run, smallEngine, spawned, url } from './support/command-line.ts'
import { main } from './support/commands.ts'
import { cifar, cifar100, idxImages, idxLabels, npy, npyLabels, npz, pixels } from './support/uploads.ts'

const flags = ['--dataset', 'mnist', '--architecture', 'fc', '--hidden', '3', '--optimizer', 'sgd']

describe('ledger', () => {
  test('datasets: upload a pair or CIFAR files, list, delete', async () => {
    const write = (name: string, bytes: Buffer) => writeFile(path.join(folder, name), bytes)
    await Promise.all([write('i', idxImages(12)), write('l', idxLabels(12)), write('c.bin', cifar(3))])
    const out = await ok(['datasets', 'upload', 'mine', '--images', 'i', '--labels', 'l', '--classes', '4'])
    assert.match(out, /^mine: 12 \+ 0 images of 4×4×1 in 4 classes\nsha256 [0-9a-f]{64}\n$/)
    const tests = ['--cifar-test', 'c.bin', '--json']
    const cifars = JSON.parse(await ok(['datasets', 'upload', 'c10', '--cifar', 'c.bin', 'c.bin', ...tests]))
    assert.deepEqual([cifars.trainFile, cifars.testFile], [6, 3])
    assert.match(await ok(['datasets']), /\nmine +4×4×1 +4 +11 \+ 1 +Uploaded on /)
    // Of twelve one is in ten to validate on.
    assert.equal(
      await ok(['datasets', 'show', 'mine']),
      '12 examples to train on\nclass  examples\n0             4\n1             4\n2             4\n3             0\n',
    )
    assert.match(
      await ok(['datasets', 'show', 'c10', '--test']),
      /^3 examples to test on\nclass +examples\n0 +/,
    )
    assert.equal((await run(['datasets', 'show', 'nothing'])).code, 4)
    assert.equal((await run(['datasets', 'upload', 'mine', '--images', 'i'])).code, 2)
    assert.equal((await run(['datasets', 'upload', 'x', '--images', 'no', '--labels', 'l'])).code, 2)
    const refused = await run(['datasets', 'upload', 'x', '--images', 'l', '--labels', 'l'])
    assert.equal(refused.code, 3)
    assert.match(refused.err, /\$\.images: l: expected images of shape/)
    await write('xy.npz', npz({ 'x.npy': npy('|u1', '(12, 2, 5, 5)', pixels(600)), 'y.npy': npyLabels(12) }))
    const asked = await run(['datasets', 'upload', 'packed', '--npz', 'xy.npz'])
    assert.match(asked.err, /\$\.npz: xy\.npz\/x\.npy: .*layout=nchw/)
    const first = ['--layout', 'nchw', '--json']
    const packed = JSON.parse(await ok(['datasets', 'upload', 'packed', '--npz', 'xy.npz', ...first]))
    assert.deepEqual([packed.shape, packed.trainFile], [[5, 5, 2], 12])
    await write('c100.bin', cifar100(3))
    const fine = ['--cifar', 'c100.bin', '--cifar100', 'fine', '--json']
    assert.equal(JSON.parse(await ok(['datasets', 'upload', 'c100', ...fine])).classes, 100)
    for (const name of ['mine', 'c10', 'packed', 'c100'])
      assert.equal(await ok(['datasets', 'delete', name]), `${name}  deleted\n`)
    assert.equal((await run(['datasets', 'delete', 'mine'])).code, 4)
  })

  test('submit from a file, stdin and flags', async () => {
    await writeFile(path.join(folder, 'spec.yaml'), 'dataset: { name: mnist }\narchitecture: { name: fc }\n')
    const rest = ['--optimizer', 'sgd', '--iterations', '7']
    const file = JSON.parse(await ok(['submit', 'spec.yaml', ...rest, '--freeze', 'fc_3', '--json']))
    assert.deepEqual(file.spec.layers, { fc_3: { freeze: true } })
    const settings = ['--set', 'allocation.method=boole', '--set', 'training.seed=9', '--freeze', 'fc_*:2-5']
    const stdin = JSON.parse(
      await ok(['submit', '-', ...settings, '--tag', 'study=a=b', '--json'], JSON.stringify(minimalSpec())),
    )
    assert.equal(stdin.spec.allocation.method, 'boole')
    assert.equal(stdin.spec.training.seed, 9)
    assert.deepEqual(stdin.spec.layers, { 'fc_*': { freeze: { from: 2, until: 5 } } })
    assert.deepEqual(stdin.tags, { study: 'a=b' })
    const out = await ok(['submit', ...flags, '--iterations', '5', '--name', 'by hand'])
    assert.match(out, /^[0-9a-f-]{36}\nledger watch /)
    assert.match(await ok(['submit', ...flags, '--iterations', '5', '--preview']), /all +2,395/)
    for (const tag of ['study:a=b', 'study=a=b']) {
      const list = await ok(['list', '--tag', tag])
      assert.match(list, /^id .*\n01[0-9a-f-]{34} +queued +0 % .*fc on mnist/)
    }
    assert.equal(JSON.parse(await ok(['list', '-n', '2', '--json'])).length, 2)
    assert.match(await ok(['show', 'last']), /name +by hand\nstatus +queued/)
  })

  test('the beginning of an id is enough where one begins so; show says what was asked for, and on what it ran', async () => {
    const spec = { ...minimalSpec(), tags: { study: 'prefix' }, layers: { fc_2: { freeze: true } } }
    const id = await post(api, spec)
    await api.db.prisma.experiment.update({ where: { id }, data: { engine: { name: 'wasm', threads: 2 } } })
    await storeArtifact(api, id, 'manifest.json', Buffer.alloc(2048))
    const shown = await ok(['show', id.slice(0, 35)])
    assert.match(shown, new RegExp(`^experiment +${id}\n`))
    for (const line of [
      /^tags +study prefix$/m,
      /^engine +name wasm, threads 2$/m,
      /^optimizer +name sgd, learningRate 0\.1, .*momentum 0, /m,
      /^layers +fc_2 \{"freeze":true\}$/m,
      /^allocation +method simpson, maxError 0\.001, /m,
      /^size +2\.0 KiB of objects, 0 B of ledger$/m,
    ])
      assert.match(shown, line)
    assert.match(await ok(['list', '-n', '1']), /^id .* size +name\n.* 2\.0 KiB$/m)
    // Ids begin with the time: of two that were made within a minute the first eight digits are the same.
    const other = await post(api)
    const common = [...id].findIndex((digit, i) => digit !== other[i])
    const found = await run(['show', id.slice(0, common)])
    assert.equal(found.code, 2)
    assert.match(found.err, /^more than one experiment has an id that begins with 01[0-9a-f-]+:\n {2}01/)
    for (const wanted of [id, other]) assert.ok(common < 4 || found.err.includes(wanted), found.err)
    const missing = await run(['show', 'ffff'])
    assert.equal(missing.code, 4)
    assert.match(missing.err, /no experiment whose id begins with ffff/)
    assert.match(await ok(['--version']), /^\d+\.\d+\.\d+\n$/)
  })

  test('exit codes and words of what goes wrong', async () => {
    const cases: [args: string[], code: number, err: RegExp][] = [
      [['sbmit'], 2, /Did you mean submit/],
      [['show'], 2, /missing required argument/],
      [['submit'], 2, /a file, - for stdin, or flags/],
      [['submit', 'nowhere.json'], 2, /^cannot read nowhere\.json: it is not there\n$/],
      [['submit', '/'], 2, /^cannot read \/: it is a folder, where a file is wanted\n$/],
      [['list', '-n', '0'], 2, /not a number from 1/],
      [['show', '01a'], 2, /01a is too little of an id/],
      [['show', 'zzz'], 2, /"zzz" is no id of an experiment: wanted is its id, the beginning of it \(4 /],
      [['sweep', 'show', 'x\u001b'], 2, /"x\\\\u001b" is no id of a sweep/],
      [['submit', ...flags, '--iterations', 'x'], 2, /not a number/],
      [['submit', ...flags, '--set', 'a b=1'], 2, /not a path/],
      [['submit', ...flags, '--iterations', '0'], 3, /422 .*\n {2}\$\.training\.iterations: must be/],
      [['show', '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'], 4, /404 there is no experiment/],
      [['show', 'x', '--url', 'ftp://x'], 2, /not a URL of an API/],
      [['datasets', '--url', 'http://127.0.0.1:9'], 6, /no answer from .*:9: .*\n.*npm start/],
    ]
    // The first of every code in a process of its own, which ends with it.
    const first = (code: number) => cases.findIndex(([, other]) => other === code)
    const all = await Promise.all(
      cases.map(([args, code], i) => (first(code) === i ? spawned(args) : resident.run(args))),
    )
    for (const [i, [args, code, err]] of cases.entries()) {
      const found = all[i]
      assert.equal(found.code, code, `${args}: ${found.err}`)
      assert.match(found.err, err)
      assert.equal(found.out, '')
      assert.doesNotMatch(found.err, /\n {4}at /)
    }
    const bad = await run(['submit', '-'], '{"dataset": ')
    assert.equal(bad.code, 2)
    assert.match(bad.err, /^stdin is neither JSON nor YAML/)
    assert.deepEqual(await run(['submit', '-'], '\n').then(({ code, err }) => [code, err]), [
      2,
      'stdin is empty\n',
    ])
  })

  test('watch tells by its exit code how it went', async () => {
    for (const [status, code] of [
      ['succeeded', 0],
      ['failed', 10],
      ['cancelled', 11],
    ] as const) {
      const id = await post(api)
      await api.db.prisma.experiment.update({ where: { id }, data: { status, error: { message: 'why' } } })
      const found = await run(['watch', id])
      assert.equal(found.code, code, found.err)
      assert.match(found.err, new RegExp(`^${status}`))
      assert.match(found.out, new RegExp(`status +${status}`))
    }
  })

  test('Ctrl-C stops the following, not the experiment', async () => {
    const id = await post(api)
    const child = spawn(process.execPath, [main, 'watch', id], { env: { ...process.env, LEDGER_URL: url } })
    child.stderr.once('data', () => child.kill('SIGINT'))
    const code = new Promise<number | null>(resolve => child.once('close', resolve))
    assert.match(await text(child.stderr), /the experiment goes on; ledger watch/)
    assert.equal(await code, 130)
    assert.equal((await api.http.get(`/v1/experiments/${id}`)).body.status, 'queued')
  })

  test('a download that is interrupted leaves whole files alone, and says so', async () => {
    const id = '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'
    const item = (name: string) => ({ name, bytes: 4, sha256: null, derived: false })
    const items = [item('a.bin'), item('b.bin')]
    // Of all but the first file it sends a half.
    const slow = createServer((request, response) => {
      if (request.url!.includes('/artifacts?')) response.end(JSON.stringify({ items, nextCursor: null }))
      else if (request.url!.endsWith('a.bin')) response.end('abcd')
      else response.write('ab')
    }).listen(0, '127.0.0.1')
    await once(slow, 'listening')
    const env = { ...process.env, LEDGER_URL: `http://127.0.0.1:${(slow.address() as AddressInfo).port}` }
    const interrupted = async (command: string, part: string, signal: NodeJS.Signals) => {
      const child = spawn(process.execPath, [main, command, id, '-o', command], { env, cwd: folder })
      const ended = once(child, 'close')
      const said = text(child.stderr)
      const place = path.join(folder, command, part)
      while (!(await stat(place).catch(() => ({ size: 0 }))).size) await setTimeout(20)
      child.kill(signal)
      const [code] = await ended
      return { code, said: await said, left: await readdir(path.join(folder, command)) }
    }
    const [download, archive] = await Promise.all([
      interrupted('download', 'b.bin.part', 'SIGINT'),
      interrupted('archive', `${id}.zip.part`, 'SIGTERM'),
    ])
    slow.closeAllConnections()
    slow.close()
    assert.match(download.said, /1 of 2 files are there, whole; the same command fetches the rest\n$/)
    assert.deepEqual([download.code, download.left], [130, ['a.bin']])
    assert.match(archive.said, /^\nstopped: nothing of it is left/)
    assert.deepEqual([archive.code, archive.left], [143, []])
  })

  test('cancel and delete several, going on after one that is not there', async () => {
    const [a, b] = [await post(api), await post(api)]
    const missing = '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'
    assert.match(await ok(['cancel', a]), /cancelled/)
    const found = await run(['delete', a, missing, b, a, '--json'])
    assert.equal(found.code, 4)
    assert.equal(found.err, `${missing}: there is no such experiment\n`)
    assert.deepEqual(
      JSON.parse(found.out).map(({ id }: { id: string }) => id),
      [a, b],
    )
    assert.equal(await api.db.prisma.experiment.count({ where: { id: { in: [a, b] } } }), 0)
  })

  test('edit changes name, notes and tags, of several the tags; logs has what workers said', async () => {
    const [a, b] = [await post(api), await post(api)]
    const told = await ok(['edit', a, '--name', 'better', '--notes', 'why\u202e', '--tag', 'k=v=w'])
    assert.equal(told, `${a}  better\n  k: v=w\n  why\\u202e\n`)
    assert.match(await ok(['edit', a, b, '--tag', 'n=1', '--untag', 'k']), /tagged\n.*tagged/)
    const { body } = await api.http.get(`/v1/experiments/${a}`)
    assert.deepEqual([body.name, body.notes, body.tags], ['better', 'why\u202e', { n: '1' }])
    assert.equal((await run(['edit', a, b, '--name', 'x'])).code, 2)
    assert.match(await ok(['logs', a]), /no worker has said/)
    await addLogLines(api.db, [
      {
        experiment: a,
        ...{ at: '2026-11-28T12:00:00.000Z', level: 'warn', message: 'again\u001b[2J' },
        ...{ worker: 'w:1', facts: { attempt: 2 } },
      },
    ])
    assert.equal(await ok(['logs', a]), '2026-11-28T12:00:00.000Z  warn   w:1  again\\u001b[2J  attempt: 2\n')
  })

  test('sweeps', async () => {
    const sweep = {
      base: minimalSpec(),
      vary: [{ name: 'a' }, { name: 'b', layers: { fc_1: { freeze: true } } }],
    }
    const posted = JSON.parse(
      await ok(['sweep', 'submit', '-', '--seeds', '1,2', '--json'], JSON.stringify(sweep)),
    )
    assert.equal(posted.experimentCount, 4)
    assert.match(await ok(['sweep', 'show', 'last']), /baseline +a\nstatus +4 queued\n[\s\S]*queued +2 +b$/m)
    assert.match(await ok(['sweep', 'list']), new RegExp(`${posted.id}.* 2 +4 +4 queued`))
    assert.match(await ok(['sweep', 'summary', posted.id]), /no experiment of this sweep has succeeded yet/)
    const wrong = await run(
      ['sweep', 'submit', '-', '--set', 'base.training.iterations=0'],
      JSON.stringify(sweep),
    )
    assert.equal(wrong.code, 3)
    assert.match(wrong.err, /\$\.base\.training\.iterations/)
    assert.match(await ok(['sweep', 'cancel', 'last']), /4 of 4 experiments are cancelled/)
    assert.equal((await run(['sweep', 'watch', 'last'])).code, 11)
    await ok(['sweep', 'delete', posted.id])
    assert.equal((await run(['sweep', 'show', posted.id])).code, 4)
    assert.equal((await run(['sweep', 'show', 'last'])).code, 4)
  })

  test('an address where something else answers is no API', async () => {
    const page = createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1')
    await once(page, 'listening')
    const found = await run(['list', '--url', `http://127.0.0.1:${(page.address() as AddressInfo).port}`])
    page.close()
    assert.equal(found.code, 6)
    assert.match(
      found.err,
      /^no answer from .*: what answers there speaks no JSON, .*\nIs Loss Ledger running there\?[^\n]*\n$/,
    )
  })

  test('output that cannot be written is told in a line', {
    skip: process.platform === 'linux' ? false : 'needs /dev/full',
  }, async () => {
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [main, 'datasets', '--url', url], {
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    const code = new Promise<number | null>(resolve => child.once('close', resolve))
    assert.match(await text(child.stderr!), /^what was to be printed could not be written: ENOSPC.*\n$/)
    assert.equal(await code, 1)
  })

  test('doctor, in words and as JSON', async () => {
    const [words, json] = await Promise.all([
      spawned(['doctor'], '', smallEngine),
      resident.run(['doctor', '--json']),
    ])
    assert.match(words.out, /^Node [\d.]+ on [\s\S]*\nengine {6}wasm, TensorFlow [\d.]+, 1 thread\n/)
    assert.equal(words.err, '')
    const { ok, engine, error, gflops, missing } = JSON.parse(json.out)
    assert.deepEqual([ok, engine.name, engine.threads, error, missing], [true, 'wasm', 1, null, []])
    assert.ok(gflops > 0)
    assert.equal(json.code, 0)
  })

  test('completion knows every command', async () => {
    const shells = ['bash', 'zsh', 'fish', 'tcsh']
    const [{ out: script }, zsh, fish, tcsh] = await Promise.all(
      shells.map(shell => run(['completion', shell])),
    )
    for (const word of ['submit', 'report', 'sweep summary', '--learning-rate'])
      assert.ok(script.includes(word))
    assert.match(zsh.out, /compdef _ledger ledger/)
    assert.match(fish.out, /complete -c ledger/)
    assert.equal(tcsh.code, 2)
  })
})
