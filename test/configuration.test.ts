/** The environment is read once, whole, and every mistake in it is told at once, without telling secrets. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { ConfigError, readConfig } from '../src/config.ts'

test('nothing configured is the embedded default', () => {
  assert.deepEqual(readConfig({}), {
    host: '127.0.0.1',
    port: 3000,
    ledgerDir: resolve('.ledger'),
    datasetsDir: resolve('.ledger/datasets'),
    postgresDir: resolve('.ledger/postgres'),
    objectsDir: resolve('.ledger/objects'),
    databaseUrl: undefined,
    redisUrl: undefined,
    s3: undefined,
    engine: undefined,
    threads: undefined,
    workers: undefined,
    devices: undefined,
    requireGpu: false,
    lockSeconds: 10,
    retentionDays: undefined,
    logLevel: 'info',
    auth: 'none',
    authSaid: false,
    corsOrigins: [],
    rateLimit: 0,
    maxUnfinished: 0,
    maxUnfinishedSegments: 0,
    maxJobPetaflop: 1000,
    maxTables: 16,
    maxUploadBytes: 2 ** 31,
    minUploadRate: 16_384,
    maxDatasetsBytes: 0,
    webhooksToPrivate: false,
    traces: undefined,
    unknown: [],
  })
})

test('what is set is taken; empty is unset', () => {
  const config = readConfig({
    ...{ PORT: '0', LEDGER_DIR: '/srv/ledger', DATABASE_URL: 'postgresql://u:p@db/ledger', REDIS_URL: '' },
    ...{ LEDGER_ENGINE: 'wasm', LEDGER_THREADS: '2', LEDGER_WORKERS: '0', LOG_LEVEL: 'debug', HOST: ' ' },
  })
  assert.deepEqual(
    [config.port, config.datasetsDir, config.databaseUrl, config.redisUrl, config.host],
    [0, '/srv/ledger/datasets', 'postgresql://u:p@db/ledger', undefined, '127.0.0.1'],
  )
  assert.deepEqual([config.engine, config.threads, config.workers, config.logLevel], ['wasm', 2, 0, 'debug'])
})

test('a variable that means nothing is told, with the one that was perhaps meant', () => {
  const env = {
    LEDGER_WORKER: '2',
    LEDGER_RETENTION: '9',
    LEDGER_API_KEY: 'k',
    ledger_dir: '/x',
    LEDGER_THREADS: '1',
  }
  assert.deepEqual(readConfig(env).unknown, [
    'LEDGER_RETENTION is set, and no variable of Loss Ledger',
    'LEDGER_WORKER is set, and no variable of Loss Ledger; did you mean LEDGER_WORKERS?',
    'ledger_dir is set, and no variable of Loss Ledger; did you mean LEDGER_DIR?',
  ])
})

test('one error lists everything that is wrong, and no secret', () => {
  const read = () =>
    readConfig({
      ...{ PORT: '70000', LEDGER_ENGINE: 'cuda', LEDGER_THREADS: '1.5', LOG_LEVEL: 'loud' },
      ...{ LEDGER_DEVICES: '0;1' },
      ...{ DATABASE_URL: 'mysql://root:hunter2@db/x', REDIS_URL: 'hunter3@redis' },
    })
  assert.throws(read, (error: ConfigError) => {
    assert.ok(error instanceof ConfigError)
    assert.deepEqual(
      error.problems.map(problem => problem.split(' ')[0]).sort(),
      [
        'DATABASE_URL',
        'REDIS_URL',
        'PORT',
        'LEDGER_ENGINE',
        'LEDGER_THREADS',
        'LEDGER_DEVICES',
        'LOG_LEVEL',
      ].sort(),
    )
    assert.doesNotMatch(error.message, /hunter/)
    assert.match(error.message, /PORT must be a whole number from 0 to 65535, not "70000"/)
    return true
  })
})

test('S3 is a bucket; half of it is a mistake', () => {
  const env = {
    S3_BUCKET: 'b',
    S3_ENDPOINT: 'http://s3:8333',
    S3_ACCESS_KEY_ID: 'k',
    S3_SECRET_ACCESS_KEY: 's',
  }
  assert.deepEqual(readConfig(env).s3, {
    ...{ endpoint: 'http://s3:8333', publicEndpoint: undefined, bucket: 'b', region: 'us-east-1' },
    ...{ credentials: { accessKeyId: 'k', secretAccessKey: 's' }, downloads: 'redirect' },
  })
  assert.equal(readConfig({ S3_BUCKET: 'b' }).s3?.credentials, undefined)
  // AWS_* are about Amazon's, not about a server of one's own.
  assert.equal(readConfig({ ...env, AWS_REGION: 'eu-west-1' }).s3?.region, 'us-east-1')
  assert.equal(readConfig({ S3_BUCKET: 'b', AWS_REGION: 'eu-west-1' }).s3?.region, 'eu-west-1')
  assert.throws(() => readConfig({ ...env, S3_BUCKET: '' }), /S3_BUCKET must be set where S3_ENDPOINT/)
  assert.throws(() => readConfig({ ...env, S3_ACCESS_KEY_ID: '' }), /must be set together/)
})

test('docker-compose.yml sets or passes on every variable that is read', () => {
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true })
  const passed = (...names: string[]) =>
    new Set(names.flatMap(name => Object.keys(services[name].environment)))
  const read = new Set<string>()
  readConfig(
    new Proxy<Record<string, string>>(
      { S3_BUCKET: 'b' },
      {
        get: (env, name: string) => {
          read.add(name)
          return env[name]
        },
      },
    ),
  )
  // The folders and the port within a container, Amazon's names for S3_REGION, and what an image or its command says.
  const own = [
    'LEDGER_DIR',
    'PORT',
    'AWS_REGION',
    'AWS_DEFAULT_REGION',
    'LEDGER_ENGINE',
    'LEDGER_DEVICES',
    'LEDGER_REQUIRE_GPU',
  ]
  for (const name of own) read.delete(name)
  for (const worker of ['worker-cpu', 'worker-gpu']) {
    const known = passed('api', worker)
    assert.deepEqual(
      [...read].filter(name => !known.has(name)),
      [],
    )
  }
})
