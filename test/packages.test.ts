/** What people install: the client alone, as it is packed and used from outside; and the service, which ships what runs. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const tsc = path.resolve('node_modules/typescript/bin/tsc')

type Packed = { size: number; files: { path: string }[]; filename: string }
/** What npm would pack of a folder. */
async function pack(folder: string, destination: string): Promise<Packed> {
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', destination, path.resolve(folder)],
    { cwd: destination },
  )
  return (JSON.parse(stdout) as Packed[])[0]
}

describe('the client as a package', () => {
  let outside: string
  let packed: Packed
  before(async () => {
    outside = await mkdtemp(path.join(tmpdir(), 'ledger-client-'))
    await run(process.execPath, [tsc, '-p', 'clients/typescript'])
    packed = await pack('clients/typescript', outside)
    const installed = path.join(outside, 'node_modules/loss-ledger-client')
    await mkdir(installed, { recursive: true })
    await run('tar', ['-xzf', path.join(outside, packed.filename), '--strip-components=1', '-C', installed])
    await writeFile(path.join(outside, 'package.json'), '{ "type": "module" }')
  })
  after(() => rm(outside, { recursive: true, force: true }))

  test('is small, and brings nothing along', async () => {
    assert.ok(packed.size < 80_000, `${packed.size} bytes`)
    const manifest = JSON.parse(await readFile('clients/typescript/package.json', 'utf8'))
    assert.equal(manifest.dependencies ?? manifest.peerDependencies, undefined)
    const paths = packed.files.map(file => file.path)
    assert.ok(paths.includes('dist/index.js') && paths.includes('dist/index.d.ts'))
    assert.deepEqual(
      paths.filter(file => !/^dist\/\w+(\.d\.ts|\.js)$|^package\.json$|^README\.md$/.test(file)),
      [],
    )
    // What browsers lack is nowhere in it.
    const code = await readdir('clients/typescript/dist')
    for (const file of code.filter(name => name.endsWith('.js')))
      assert.doesNotMatch(
        await readFile(path.join('clients/typescript/dist', file), 'utf8'),
        /from 'node:|\bBuffer\b|\bprocess\./,
      )
  })

  const use = `
    import { ApiError, connect, type Experiment, type ExperimentSpec } from 'loss-ledger-client'
    const spec: ExperimentSpec = {
      dataset: { name: 'synthetic-digits' },
      architecture: { name: 'fc', hidden: [10] },
      optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
      training: { iterations: 3 },
    }
    const ledger = connect({ url: globalThis.url })
    const posted: Experiment = await ledger.submit(spec)
    const size: number = posted.spec.training.batchSize
    // @ts-expect-error a resolved chunk size is a number
    const auto: 'auto' = posted.spec.allocation.chunkSize
    const { columns } = await ledger.layers(posted.id, { split: 'train' })
    const lca: Float64Array = columns.lca
    // @ts-expect-error there is no such optimizer
    const wrong: ExperimentSpec = { ...spec, optimizer: { name: 'sdg' } }
    void [size, auto, lca, wrong, ApiError]
    declare global { var url: string }
    export {}`

  for (const [where, options] of [
    ['a browser', { lib: ['ES2023', 'DOM'], types: [], module: 'ESNext', moduleResolution: 'bundler' }],
    ['Node', { lib: ['ES2023'], types: ['node'], module: 'NodeNext' }],
  ] as const)
    test(`its types hold in a strict project for ${where}, its own declarations checked too`, async t => {
      const folder = path.join(outside, where.replace(' ', '-'))
      await mkdir(folder)
      t.after(() => rm(folder, { recursive: true, force: true }))
      await mkdir(path.join(outside, 'node_modules/@types'), { recursive: true })
      for (const name of ['@types/node', 'undici-types'])
        await symlink(path.resolve('node_modules', name), path.join(outside, 'node_modules', name)).catch(
          () => {},
        )
      await writeFile(path.join(folder, 'use.ts'), use)
      await writeFile(
        path.join(folder, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            ...options,
            target: 'ES2023',
            strict: true,
            skipLibCheck: false,
            exactOptionalPropertyTypes: true,
            noEmit: true,
          },
          files: ['use.ts'],
        }),
      )
      const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch(
        (error: { stdout: string }) => error,
      )
      assert.equal(stdout, '')
    })

  test('runs from an outside folder', async () => {
    const server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify(
          request.url === '/v1/workers'
            ? { items: [{ name: 'one' }] }
            : {
                items: [
                  { layer: 'fc_1', lca: -0.5 },
                  { layer: 'fc_2', lca: null },
                ],
                split: 'train',
              },
        ),
      )
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      await writeFile(
        path.join(outside, 'use.mjs'),
        `import { connect } from 'loss-ledger-client'
         const ledger = connect({ url: 'http://127.0.0.1:${port}/' })
         const { columns, split } = await ledger.layers('x')
         console.log(JSON.stringify([await ledger.workers(), split, columns.layer, [...columns.lca]]))`,
      )
      const { stdout } = await run(process.execPath, ['use.mjs'], { cwd: outside })
      assert.deepEqual(JSON.parse(stdout), [[{ name: 'one' }], 'train', ['fc_1', 'fc_2'], [-0.5, null]])
    } finally {
      server.close()
    }
  })
})

test('the service ships what runs and nothing else', async t => {
  const folder = await mkdtemp(path.join(tmpdir(), 'ledger-pack-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const paths = (await pack('.', folder)).files.map(file => file.path)
  for (const needed of [
    'dist/src/cli/main.js',
    'dist/workers/child.js',
    'dist/web/index.html',
    'dist/report/report.js',
    'openapi.yaml',
    'prisma/schema.prisma',
    'scripts/setup.mjs',
    'native/operation.h',
    'native/host/loops.cc',
  ])
    assert.ok(paths.includes(needed), needed)
  assert.deepEqual(
    paths.filter(
      file =>
        !/^(dist\/(src|workers|clients\/typescript\/src)\/.*\.js|dist\/report\/report\.(js|css)|dist\/web\/(index\.html|assets\/[\w.-]+\.(js|css|svg)(\.gz)?)|prisma\/.*|scripts\/[\w-]+\.mjs|native\/(host\/)?[\w-]+\.(cc|h)|openapi\.yaml|package\.json|README\.md|LICENSE)$/.test(
          file,
        ),
    ),
    [],
  )
})
