/** The ledger command against an API that means harm: what it says moves no cursor, and names no file outside. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { checkName } from '../src/cli/files.ts'
import { printable, printableJson, printableLines } from '../src/printable.ts'
import { residentCommands } from './support/commands.ts'

/** Clears the screen, in the two ways there are, turns the direction of writing, and draws a line of its own. */
const evil = 'x\u001b[2J\u009b2J\u202e\u0007\r\nfake: all is well'
const numbers = {
  parameters: 1,
  lca: -1,
  helping: -1,
  hurting: 0,
  rms: 1,
  helpFractionOfMoved: 0.5,
  helpFractionOfAll: 0.5,
  share: 1,
}
const progress = { phase: evil, done: 1, total: 2, etaSeconds: null }
const experiment = {
  ...{
    id: evil,
    name: evil,
    status: evil,
    dataset: evil,
    architecture: evil,
    variant: evil,
    worker: evil,
    progress,
  },
  ...{ createdAt: evil, startedAt: null, finishedAt: null, iterations: 2, tags: { [evil]: evil } },
  error: { message: evil, errors: [{ path: evil, message: evil }] },
  bytes: { objects: evil, ledger: evil },
  summary: null as object | null,
  spec: {
    ...{
      dataset: { name: evil },
      architecture: { name: evil },
      optimizer: { name: evil, learningRate: evil },
    },
    ...{
      training: { iterations: 2, seed: evil },
      allocation: { splits: [evil], maxError: 1 },
      layers: { [evil]: {} },
      keep: [evil],
    },
  },
}
const ended = { ...experiment, status: 'failed' }
const counts = { queued: 0, training: 0, allocating: 0, succeeded: 0, failed: evil, cancelled: 0 }
const sweep = {
  ...{ id: evil, name: evil, createdAt: evil, variants: [evil], baseline: evil, experimentCount: 1, counts },
  ...{ experiments: [{ id: evil, variant: evil, seed: evil, status: evil }], finished: true },
}
const row = { ...numbers, layer: evil, variable: evil }
const summaryRow = {
  ...{ split: evil, measure: 'lca', layer: evil, variant: evil },
  mean: 1,
  sd: 1,
  difference: 1,
  n: 1,
}
const dataset = {
  name: evil,
  shape: [evil],
  classes: evil,
  description: evil,
  defaults: { trainExamples: 1, validationExamples: 1 },
  upload: { sha256: evil },
}
const layer = {
  layer: evil,
  parameters: 1,
  optimizer: { name: evil, learningRate: evil },
  freeze: { from: evil, until: evil },
}

const logLine = { at: evil, level: evil, worker: evil, message: evil, facts: { [evil]: evil } }
const finding = { statement: evil, figures: [], table: evil, advice: evil, atStake: null }

/** Ids that can be typed, and what they stand for here. */
const ids: Record<string, string> = {
  x: '0195d3a0-7c3e-7000-8000-00000000000a',
  y: '0195d3a0-7c3e-7000-8000-00000000000b',
  ended: '0195d3a0-7c3e-7000-8000-00000000000c',
  refused: '0195d3a0-7c3e-7000-8000-00000000000d',
}

let names: string[] = []
/** What it answers, by the end of the path. */
const answers: [pattern: RegExp, status: number, answer: () => unknown][] = [
  [
    /0a\/artifacts$/,
    200,
    () => ({
      nextCursor: null,
      items: names.map(name => ({ name, bytes: 3, sha256: null, derived: false })),
    }),
  ],
  [/\/artifacts\//, 200, () => 'abc'],
  [/0d\b/, 422, () => ({ detail: evil, errors: [{ path: evil, message: evil }] })],
  [
    /experiments\/preview$/,
    200,
    () => ({
      parameters: 1,
      layers: [layer],
      segments: 1,
      gradientPasses: { [evil]: 1 },
      flops: { allocation: 1 },
      bytes: { kept: 1 },
    }),
  ],
  [
    /sweeps\/[^/]+\/summary$/,
    200,
    () => ({
      complete: false,
      baseline: evil,
      confidence: 0.95,
      variants: [{ label: evil, experiments: 1, seeds: [1] }],
      leftOut: [{ experiment: evil, variant: evil, seed: evil, reason: evil }],
      items: [summaryRow],
    }),
  ],
  [/sweeps\/[^/]+(\/cancel)?$/, 200, () => sweep],
  [/sweeps$/, 200, () => ({ items: [sweep], nextCursor: null, ...sweep })],
  [/layers$/, 200, () => ({ unbalanced: { message: evil }, total: numbers, items: [row] })],
  [/datasets$/, 200, () => ({ items: [dataset] })],
  [/experiments$/, 200, () => ({ items: [experiment], nextCursor: null, ...experiment })],
  [/experiments\/[^/]+0c$/, 200, () => ended],
  [/experiments\/bulk$/, 200, () => ({ items: [{ id: evil, outcome: evil, detail: evil }] })],
  [/\/logs$/, 200, () => ({ items: [logLine], nextCursor: null })],
  [/\/findings$/, 200, () => ({ recorded: true, items: [finding] })],
  [/experiments\//, 200, () => experiment],
]

describe('an API that means harm', () => {
  let server: Server
  let folder: string
  let resident: Awaited<ReturnType<typeof residentCommands>>
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'loss-ledger-hostile-'))
    server = createServer((request, response) => {
      const [, status, answer] = answers.find(([pattern]) => pattern.test(request.url!.split('?')[0]))!
      const body = answer()
      // An API of anybody's need not escape what JSON lets through.
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    resident = await residentCommands({ cwd: folder, env: { LEDGER_URL: url } })
  })
  after(async () => {
    await resident.stop()
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  })
  const run = async (args: string[]) => {
    const typed = args.map(one => ids[one] ?? one)
    const { out, err, code } = await resident.run(typed, args.includes('-') ? '{}' : '')
    return { said: out + err, code }
  }

  const commands = [
    ...['list', 'list --json', 'show x', 'show last', 'watch ended', 'layers x --split train', 'retry x'],
    ...['logs x', 'findings x', 'edit x --name y', 'cancel x y'],
    ...['submit -', 'submit - --preview', 'show refused', 'cancel refused y'],
    ...['sweep list', 'sweep show x', 'sweep summary x', 'sweep watch x', 'datasets'],
  ]
  test('no command prints what would move a cursor, or a line that is not its own', async () => {
    for (const command of commands) {
      const { said } = await run(command.split(/ +/))
      assert.match(said, /x\\u001b\[2J/, `${command} prints it: ${said}`)
      assert.doesNotMatch(said, /[^\P{C}\n]/u, command)
      assert.doesNotMatch(said, /^fake/m, command)
    }
  })

  test('names that lead out of the folder are refused, before anything is written', async () => {
    const outside = [
      '../x',
      '/tmp/x',
      'a/../../x',
      'C:x',
      'C:\\x',
      'a\\b',
      'a\0b',
      'a//b',
      './x',
      '.ssh/x',
      'nul',
      'a/COM1.npy',
    ]
    for (const name of [...outside, 'x.', 'x ', '', 'a/', evil, 'x'.repeat(1000)])
      assert.throws(() => checkName(name), /no name for one; nothing is written/, name)
    for (const name of [
      'weights/0-50.npy',
      'manifest.json',
      'allocations/train.npy',
      'nullable',
      'company/com10x',
    ])
      assert.deepEqual(checkName(name), name.split('/'))

    for (const name of ['../escaped', '/escaped', '..\\escaped']) {
      names = ['good.npy', name]
      const { code, said } = await run(['download', 'x', '-o', 'a/b'])
      assert.equal(code, 2, said)
      assert.match(said, /^the API names a file ".*escaped", which is no name for one; nothing is written\n$/)
    }
    assert.deepEqual(
      (await readdir(folder, { recursive: true })).filter(file => /escaped|good/.test(file)),
      [],
    )
  })

  test('links in the folder are not followed', async () => {
    const target = path.join(folder, 'elsewhere')
    const into = path.join(folder, 'linked')
    await Promise.all([mkdir(target), mkdir(into)])
    await symlink(target, path.join(into, 'weights'))
    await symlink(path.join(target, 'file'), path.join(into, 'file.npy'))
    await symlink(path.join(target, 'part'), path.join(into, 'other.npy.part'))
    for (const name of ['weights/0-1.npy', 'file.npy']) {
      names = [name]
      const { code, said } = await run(['download', 'x', '-o', 'linked'])
      assert.equal(code, 2, said)
      assert.match(said, /is a link: what it leads to is not written to/)
    }
    names = ['other.npy']
    assert.equal((await run(['download', 'x', '-o', 'linked'])).code, 0)
    assert.deepEqual(await readdir(target), [])
    assert.ok(existsSync(path.join(into, 'other.npy')))
  })

  test('an id that is a path makes no folder', async () => {
    names = ['good.npy']
    const { code, said } = await run(['download', 'last'])
    assert.equal(code, 2, said)
    assert.ok(!existsSync(path.join(folder, 'good.npy')))
  })
})

test('what prints stays as it is, JSON too; what does not is told', () => {
  for (const plain of ['Müller – 3×3 → 4.5 ± 1 %', '日本語', '🙂']) assert.equal(printable(plain), plain)
  assert.equal(printable('a\u009bb\u200dc\ud800\u{e0001}'), 'a\\u009bb\\u200dc\\ud800\\udb40\\udc01')
  assert.equal(printableLines('a\nb\r'), 'a\nb\\u000d')
  const value = { [evil]: [evil, 1, null, true] }
  assert.deepEqual(JSON.parse(printableJson(value)), value)
})
