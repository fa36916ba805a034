/** What ledger prints, draws and packs of what has been recorded: tables, figures, comparisons, archives. */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { strFromU8, unzipSync } from 'fflate'
import { fillLedger, minimalSpec, post, storeArtifact } from './support/api.ts'
import { api, folder, ok, resident, run, spawned, url } from './support/command-line.ts'

describe('ledger, of results', () => {
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
    assert.match(inTheWay.err, /manifest\.json is in the way: choose another place, or move it \(EEXIST\)/)
    // Where there can be no folders: Node's own way to make them would not come back.
    const nowhere = await run(['download', id, 'weights/*', '-o', '/proc/none/here'])
    assert.equal(nowhere.code, 2)
    assert.match(nowhere.err, /^\/proc\/none .*\(E\w+\)$/m)

    // The Python package writes for trackers: this stands for a Python, and has no numpy when it is asked for MLflow.
    await writeFile(
      path.join(folder, 'python'),
      `#!/bin/sh\ncase "$*" in *mlflow*) echo "No module named 'numpy'" >&2; exit 1;; *wandb*) echo is there already >&2; exit 4;; esac\necho "$LEDGER_URL" "$@"\n`,
      { mode: 0o755 },
    )
    const python = { LEDGER_PYTHON: path.join(folder, 'python') }
    const exported = (to: string) => spawned(['export', id.slice(0, 35), 'runs', '--to', to], '', python)
    const { out } = await exported('tensorboard')
    assert.equal(out, `${url} -m loss_ledger export ${id} runs --to tensorboard --bucket 1\n`)
    const [without, already, none] = await Promise.all([
      exported('mlflow'),
      exported('wandb-offline'),
      spawned(['export', id, 'runs', '--to', 'mlflow'], '', { LEDGER_PYTHON: 'false' }),
    ])
    assert.match(without.err, /has no numpy: \S+python -m pip install httpx numpy/)
    assert.deepEqual([without.code, (await run(['export', id, 'runs', '--to', 'paper'])).code], [2, 2])
    assert.deepEqual([already.code, already.err], [4, 'is there already\n'])
    assert.match(none.err, /^false ended with code 1 and did not say why: is it a Python.*LEDGER_PYTHON/)
    assert.equal(none.code, 2)
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
})
