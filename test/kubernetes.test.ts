/** deploy/kubernetes: what Kubernetes and KEDA take, and what this service has. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { readConfig } from '../src/config.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { testDatabase } from './support/database.ts'
import { asStored, fakeSpec } from './support/fake-ledger.ts'

// biome-ignore lint/suspicious/noExplicitAny: manifests, whose shape the schemas tell
type Manifest = any

const folder = 'deploy/kubernetes'
const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'))
const manifests: Manifest[] = kustomization.resources.flatMap((file: string) =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map(document => document.toJS()),
)
const ofKind = (kind: string): Manifest[] => manifests.filter(manifest => manifest.kind === kind)
const workloads = [...ofKind('Deployment'), ...ofKind('Job')]
const containers: Manifest[] = workloads.flatMap(({ spec }) => spec.template.spec.containers)

test('every manifest is named, and is what its schema says', () => {
  const files = readdirSync(folder).filter(name => name !== 'kustomization.yaml')
  assert.deepEqual([...kustomization.resources].sort(), files.sort())
  const require = createRequire(import.meta.url)
  for (const manifest of manifests) {
    const { apiVersion, kind, metadata } = manifest
    const group = apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`.replace('core/v1', 'v1')
    const module = apiVersion.startsWith('keda.sh/')
      ? `@kubernetes-models/keda/${group}`
      : `kubernetes-models/${group}`
    const Model = require(module)[kind]
    assert.doesNotThrow(() => new Model(manifest).validate(), `${kind} ${metadata.name}`)
    assert.throws(() => new Model({ ...manifest, spec: 1, data: 1 }).validate(), `${kind} is not checked`)
  }
})

test('selectors find their pods, services their ports, images and scalers their names', () => {
  for (const { metadata, spec } of [...ofKind('Deployment')])
    assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels, metadata.name)
  const api = ofKind('Deployment').find(({ metadata }) => metadata.name === 'loss-ledger-api')
  const [service] = ofKind('Service')
  assert.deepEqual(service.spec.selector, api.spec.template.metadata.labels)
  assert.deepEqual(ofKind('PodDisruptionBudget')[0].spec.selector, api.spec.selector)
  const [{ ports, readinessProbe, livenessProbe, startupProbe, env }] = api.spec.template.spec.containers
  const port = readConfig({ PORT: env.find(({ name }: Manifest) => name === 'PORT').value }).port
  assert.deepEqual(ports, [{ name: service.spec.ports[0].targetPort, containerPort: port }])
  const { paths } = parse(readFileSync('openapi.yaml', 'utf8'))
  for (const { httpGet } of [readinessProbe, livenessProbe, startupProbe]) {
    assert.ok(paths[httpGet.path]?.get, httpGet.path)
    assert.equal(httpGet.port, ports[0].name)
  }
  assert.deepEqual(
    [...new Set(containers.map(({ image }) => image))].sort(),
    kustomization.images.map(({ name }: Manifest) => name).sort(),
  )
  const targets = readFileSync('Dockerfile', 'utf8')
  for (const { name } of kustomization.images)
    assert.match(targets, new RegExp(` AS ${name.replace('loss-ledger-', '')}$`, 'm'))
  const workers = ofKind('Deployment').filter(({ metadata }) => metadata.name.includes('-worker-'))
  assert.deepEqual(
    ofKind('ScaledObject')
      .map(({ spec }) => spec.scaleTargetRef.name)
      .sort(),
    workers.map(({ metadata }) => metadata.name).sort(),
  )
  // What a scaler sets, nobody else may.
  for (const { spec } of workers) assert.equal(spec.replicas, undefined)
})

test('every variable is one that is read, and its value can be', () => {
  const known = new Set<string>()
  const note = (env: Record<string, string>, name: string) => {
    known.add(name)
    return env[name]
  }
  readConfig(new Proxy<Record<string, string>>({ S3_BUCKET: 'b' }, { get: note }))
  const [{ data }] = ofKind('ConfigMap')
  const secret = { DATABASE_URL: 'postgresql://u:p@db/x', S3_ACCESS_KEY_ID: 'k', S3_SECRET_ACCESS_KEY: 's' }
  for (const { name, env = [], envFrom } of containers) {
    assert.deepEqual(envFrom, [
      { secretRef: { name: 'loss-ledger' } },
      { configMapRef: { name: 'loss-ledger' } },
    ])
    const own = Object.fromEntries(env.map(({ name, value }: Manifest) => [name, value ?? '1']))
    const all = { ...secret, ...data, ...own }
    assert.deepEqual(
      Object.keys(all).filter(variable => !known.has(variable)),
      [],
      name,
    )
    const { auth, s3 } = readConfig(all)
    assert.equal(s3?.bucket, data.S3_BUCKET)
    if (name === 'api') assert.equal(auth, 'keys')
  }
})

test('nothing runs as root or without bounds, and everything has time to end', () => {
  for (const { kind, metadata, spec } of workloads) {
    const pod = spec.template.spec
    assert.equal(pod.securityContext.runAsNonRoot, true, metadata.name)
    // serve takes 20 s to end at most, a worker 15 or 20.
    if (kind === 'Deployment') assert.ok(pod.terminationGracePeriodSeconds >= 30)
  }
  for (const { name, resources, securityContext } of containers) {
    assert.ok(resources.limits.memory && resources.requests.memory && resources.requests.cpu, name)
    assert.equal(securityContext.allowPrivilegeEscalation, false)
    assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] })
  }
})

test('the scalers ask Postgres for what waits', async t => {
  const { db, close } = await testDatabase()
  t.after(close)
  const queries = new Set(ofKind('ScaledObject').map(({ spec }) => spec.triggers[0].metadata.query))
  assert.equal(queries.size, 1)
  const [query] = queries
  const waiting = async () => Number(Object.values((await db.pool.query(query)).rows[0])[0])
  assert.equal(await waiting(), 0)
  const id = randomUUID()
  await createExperiment(db, { id, spec: asStored(fakeSpec(6, 2, [])) })
  assert.equal(await waiting(), 1)
  await db.pool.query(`UPDATE segments SET status = 'trained' WHERE experiment_id = $1 AND "index" < 2`, [id])
  await db.pool.query(`UPDATE experiments SET status = 'allocating' WHERE id = $1`, [id])
  assert.equal(await waiting(), 3)
  await db.pool.query(`UPDATE experiments SET status = 'succeeded' WHERE id = $1`, [id])
  assert.equal(await waiting(), 0)
})
