/** The ledger command against a real API: what it prints, where, and with which exit code it ends. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { strFromU8, unzipSync } from 'fflate'
import { addLogLines } from '../src/store/log-lines.ts'
import { fillLedger, minimalSpec, post, startApi, storeArtifact, type TestApi } from './support/api.ts'
import { main, type Ran, residentCommands, runCommand } from './support/commands.ts'
import { cifar, cifar100, idxImages, idxLabels, npy, npyLabels, npz, pixels } from './support/uploads.ts'

describe('ledger', () => {
  let api: TestApi
  let folder: string
  let url: string
  let resident: Awaited<ReturnType<typeof residentCommands>>
  before(async () => {
    api = await startApi()
    url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`
    folder = await mkdtemp(path.join(tmpdir(), 'loss-ledger-cli-'))
    resident = await residentCommands({ cwd: folder, env: { LEDGER_URL: url } })
  })
  after(async () => {
    await resident.stop()
    await api.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** In a process of its own. */
  const spawned = (args: string[], input = '', env: Record<string, string> = {}) =>
    runCommand(args, { cwd: folder, env: { LEDGER_URL: url, ...env }, input })
  // The first command of every name has a process of its own, all others share one.
  const seen = new Set<string>()
  const run = (args: string[], input = ''): Promise<Ran> => {
    const [name] = args
    if (seen.has(name)) return resident.run(args, input)
    seen.add(name)
    return spawned(args, input)
  }
  const ok = async (args: string[], input?: string) => {
    const { out, err, code } = await run(args, input)
    assert.equal(code, 0, err)
    return out
  }
  const flags = ['--dataset', 'mnist', '--architecture', 'fc', '--hidden', '3', '--optimizer', 'sgd']

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
      [['submit', 'nowhere.json'], 2, /cannot read nowhere\.json/],
      [['list', '-n', '0'], 2, /not a number from 1/],
      [['show', '01a'], 2, /01a is too little of an id/],
      [['submit', ...flags, '--iterations', 'x'], 2, /not a number/],
      [['submit', ...flags, '--set', 'a b=1'], 2, /not a path/],
      [['submit', ...flags, '--iterations', '0'], 3, /422 .*\n {2}\$\.training\.iterations: must be/],
      [['show', '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'], 4, /404 there is no experiment/],
      [['show', 'x', '--url', 'ftp://x'], 2, /not a URL of an API/],
      [['datasets', '--url', 'http://127.0.0.1:9'], 6, /no answer from .*:9: .*\n.*npm start/],
    ]
    const all = await Promise.all(cases.map(([args]) => spawned(args)))
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

  test('books that do not balance: words without colour, a red line in the figures, exit code 12', async () => {
    const spec = { ...minimalSpec(4), allocation: { segmentIterations: 1, splits: ['train'] } }
    const posted = JSON.parse(
      await ok(
        ['sweep', 'submit', '-', '--seeds', '1,2', '--json'],
        JSON.stringify({ base: spec, vary: [{ name: 'a' }] }),
      ),
    )
    const [wrong, sound] = posted.experiments.map((one: { id: string }) => one.id)
    const split = {
      ...{
        loss: { initial: 2.25, final: 4.9e7 },
        accuracy: { initial: 0.1, final: 0.1 },
        lca: -9.8e14,
        helping: -9.8e14,
      },
      ...{ hurting: 0, helpFractionOfMoved: 0.59, helpFractionOfAll: null, worstResidual: 1 },
    }
    const books = { rules: ['total'], iterations: 4, above: 4, residual: 9.8e14, absoluteResidual: 9.8e14 }
    const train = {
      ...books,
      lossChange: 4.9e7,
      lossTravel: 4.9e7,
      message: 'the books do not balance: by much',
    }
    for (const [id, unbalanced] of [
      [wrong, { train }],
      [sound, null],
    ]) {
      await fillLedger(api, id, [0, 1, 2, 3])
      const summary = {
        parameters: 2395,
        iterations: 4,
        splits: { train: split },
        unbalanced,
        gradients: 1,
        allocationSeconds: 1,
      }
      await api.db.prisma.experiment.update({ where: { id }, data: { status: 'succeeded', summary } })
    }
    const line = 'train: the books do not balance: by much. LCA and shares of layers are not to be believed.'
    const [watched, shown, layers, summary] = await Promise.all([
      run(['watch', wrong]),
      ok(['show', wrong]),
      ok(['layers', wrong]),
      run(['sweep', 'watch', posted.id]),
    ])
    assert.equal(watched.code, 12)
    for (const out of [watched.out, shown, layers]) assert.ok(out.endsWith(`\n${line}\n`), out)
    assert.match(shown, /2\.2500 → 4\.90e7 +10\.0 % +−9\.80e14 +59\.0 % +1\.0e\+0\n/)
    assert.equal(summary.code, 12)
    const left = `left out: a, seed 1 (${wrong}): train: the books do not balance: by much\n`
    assert.match(summary.out, /\nn, the seeds in the means: a: 1 of 2\.\n/)
    assert.ok(summary.out.endsWith(left), summary.out)
    assert.equal((await run(['watch', sound])).code, 0)
    const said = {
      rule: 'hurting',
      split: 'train',
      layer: 'fc_2',
      statement: 'fc_2 \u001b[2J hurt',
      atStake: 0.5,
    }
    const figures95 = [{ name: 'lca', estimate: 0.5, low: 0.25, high: 0.75, level: 0.95 }]
    const finding = {
      ...said,
      from: 0,
      to: 4,
      figures: figures95,
      table: 'allocations',
      advice: 'Freeze it.',
    }
    assert.match(await ok(['findings', sound]), /^not looked at: /)
    await api.db.prisma.experiment.update({
      where: { id: sound },
      data: {
        findings: [finding],
        summary: {
          ...{
            parameters: 2395,
            iterations: 4,
            splits: {},
            unbalanced: null,
            gradients: 1,
            allocationSeconds: 1,
          },
          findings: { count: 4, largest: [said] },
        },
      },
    })
    assert.match(await ok(['show', sound]), /\n4 findings; the largest 1:\n- fc_2 \\u001b\[2J hurt\n$/)
    assert.equal(
      await ok(['findings', sound]),
      '1. fc_2 \\u001b[2J hurt\n   Freeze it.\n   from allocations; at stake 0.5 of loss; lca 0.5 [0.25, 0.75] at 95 %\n',
    )
    const files = (await ok(['report', wrong, '-o', 'wrong'])).trim().split('\n')
    const figures = await Promise.all(files.map(file => readFile(path.join(folder, file), 'utf8')))
    const red =
      /fill="#b91c1c"[^>]*>Not to be believed, the books do not balance: train: residuals 9\.80e14, loss \+4\.90e7</
    assert.deepEqual(
      files.filter((_, i) => red.test(figures[i])).map(file => path.basename(file)),
      ['ledger-train.svg', 'layers.svg', 'residuals.svg', 'peaks-train.svg'],
    )
    await ok(['sweep', 'delete', posted.id])
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

  test('layers, download and report of an experiment', async () => {
    const id = await post(api, { ...minimalSpec(30), allocation: { segmentIterations: 1 } })
    await fillLedger(
      api,
      id,
      Array.from({ length: 30 }, (_, i) => i),
    )
    const layers = await ok(['layers', id])
    assert.match(layers, /^layer +parameters +LCA train +share +helped +of all +LCA validation/)
    assert.match(layers, /\nall +2,395 /)
    assert.equal(JSON.parse(await ok(['layers', id, '--split', 'train', '--json'])).train.items.length, 2)

    await storeArtifact(api, id, 'weights/0-1.npy', Buffer.from('weights'))
    await storeArtifact(api, id, 'manifest.json', Buffer.from('{}'))
    assert.match(await ok(['download', id, 'weights/*', '-o', 'got']), /^got\/weights\/0-1\.npy\n$/)
    assert.equal(await readFile(path.join(folder, 'got/weights/0-1.npy'), 'utf8'), 'weights')
    assert.match(await ok(['download', id, '-o', 'got']), /got\/manifest\.json\n.*0-1\.npy {2}\(was there\)/)
    assert.equal((await run(['download', id, 'nothing*'])).code, 4)
    // A file where a folder is to be.
    const inTheWay = await run(['download', id, 'weights/*', '-o', 'got/manifest.json'])
    assert.equal(inTheWay.code, 2)
    assert.match(inTheWay.err, /^EEXIST: .*manifest\.json/)

    // The Python package writes for trackers: this stands for a Python, and has no numpy when it is asked for MLflow.
    await writeFile(
      path.join(folder, 'python'),
      `#!/bin/sh\ncase "$*" in *mlflow*) echo "No module named 'numpy'" >&2; exit 1;; esac\necho "$LEDGER_URL" "$@"\n`,
      { mode: 0o755 },
    )
    const python = { LEDGER_PYTHON: path.join(folder, 'python') }
    const exported = (to: string) => spawned(['export', id.slice(0, 35), 'runs', '--to', to], '', python)
    const { out } = await exported('tensorboard')
    assert.equal(out, `${url} -m loss_ledger export ${id} runs --to tensorboard --bucket 1\n`)
    const without = await exported('mlflow')
    assert.match(without.err, /has no numpy: \S+python -m pip install httpx numpy/)
    assert.deepEqual([without.code, (await run(['export', id, 'runs', '--to', 'paper'])).code], [2, 2])
    const files = (await ok(['report', id, '-o', 'figures', '--title', 'A <b> & "c"'])).trim().split('\n')
    assert.deepEqual(
      files.map(file => path.basename(file)),
      [
        ...['ledger-train.svg', 'ledger-validation.svg', 'loss.svg', 'layers.svg', 'residuals.svg'],
        // Of tables of diagnostics there are none here.
        ...['peaks-train.svg', 'peaks-validation.svg'],
      ],
    )
    for (const file of files) {
      const svg = await readFile(path.join(folder, file), 'utf8')
      assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^>]*>.*<\/svg>\n$/s)
      assert.doesNotMatch(svg, /NaN|undefined|Infinity|<b>/)
      // Every element is closed, in order.
      const open: string[] = []
      for (const [, close, name, own] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
        if (close) assert.equal(open.pop(), name)
        else if (!own) open.push(name)
      }
      assert.deepEqual(open, [])
    }
    const queued = await post(api)
    assert.equal((await run(['report', queued])).code, 2)

    const packed = (await ok(['archive', id.slice(0, 35), '-o', 'taken', '--tensors'])).trim()
    assert.equal(packed, `taken/${id}.zip`)
    const archive = unzipSync(await readFile(path.join(folder, packed)))
    const { experiment, files: named } = JSON.parse(strFromU8(archive['manifest.json']))
    assert.equal(experiment, id)
    assert.equal(strFromU8(archive['tensors/weights/0-1.npy']), 'weights')
    assert.equal(strFromU8(archive['figures/loss.svg']), await readFile(path.join(folder, files[2]), 'utf8'))
    // The manifest cannot name itself.
    assert.equal(named.length, Object.keys(archive).length - 1)
    assert.equal((await run(['archive', 'ffffffff'])).code, 4)
    assert.deepEqual(await readdir(path.join(folder, 'taken')), [`${id}.zip`])
  })

  test('compare: in words, a table, figures; extend is told why not', async () => {
    const ids: string[] = []
    for (const learningRate of [0.1, 0.2]) {
      const optimizer = { name: 'sgd', learningRate }
      const spec = { ...minimalSpec(4), optimizer, name: `rate ${learningRate}` }
      ids.push(await post(api, { ...spec, allocation: { segmentIterations: 1 } }))
      await fillLedger(api, ids[ids.length - 1], [0, 1, 2, 3])
    }
    const compare = async (...args: string[]) => {
      const { out, err, code } = await resident.run(['compare', ...ids, ...args])
      assert.equal(code, 0, err)
      return out
    }
    const words = await compare()
    assert.match(words, /optimizer\.learningRate +0\.1 +0\.2/)
    assert.match(words, /\nfc_1 +rate 0\.1 +[+−]\d.*\n +rate 0\.2 +[+−][\d.]+ +\+0\.0000/)
    assert.match(words, /unknown: the weights of \S+ at its iteration 0 are not stored/)
    assert.match(words, /! these have not succeeded[^!]*rate 0\.1, rate 0\.2/)
    assert.match(await compare('--table', 'specs'), /^path,experiment,value\noptimizer\.learningRate,/)
    const files = JSON.parse(await compare('--svg', 'beside', '--json'))
    assert.equal(files.length, 4)
    for (const file of files) assert.match(await readFile(path.resolve(folder, file), 'utf8'), /rate 0\.2/)
    const alone = await resident.run(['compare', ids[0]])
    assert.deepEqual([alone.code, alone.err], [2, 'name at least two experiments\n'])
    const extended = await resident.run(['extend', ids[0], '--iterations', '9'])
    assert.match(extended.err, /only one that has succeeded can be extended/)
    const told = async (change: string, pattern: RegExp) => {
      await api.db.pool.query(`UPDATE experiments SET ${change} WHERE id = $1`, [ids[0]])
      const { err, code } = await resident.run(['extend', ids[0], '--iterations', '9'])
      assert.equal(code, 3)
      assert.match(err, pattern)
    }
    await told(`status = 'failed'`, /the experiment is failed: .*; retry it first/)
    await told(
      `status = 'succeeded', spec = jsonb_set(spec::jsonb, '{keep}', '["allocations"]')::json`,
      /\$\.keep.* must have weights/,
    )
    await told(
      `spec = jsonb_set(spec::jsonb, '{training,trajectory}', '"${ids[0]}"')::json`,
      /\$\.training\.trajectory.* was trained elsewhere/,
    )
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
    assert.match(found.err, /^no answer from .*: SyntaxError: .*\nIs Loss Ledger running there\?[^\n]*\n$/)
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
    const env = { LEDGER_ENGINE: 'wasm', LEDGER_THREADS: '1' }
    const [words, json] = await Promise.all([
      spawned(['doctor'], '', env),
      spawned(['doctor', '--json'], '', { ...env, CUDA_VISIBLE_DEVICES: '' }),
    ])
    assert.match(words.out, /^Node [\d.]+ on [\s\S]*\nengine {6}wasm, TensorFlow [\d.]+, 1 thread\n/)
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
