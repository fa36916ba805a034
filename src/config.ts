/** The configuration: environment variables, read and checked once, in one place. */
import { resolve } from 'node:path'
import { connectionStringProblem, strictSslMode } from './connection-strings.ts'
import { didYouMean } from './spec/messages.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** A bucket on any server that speaks S3. */
export type S3Config = {
  /** undefined: Amazon's own, for the region. */
  endpoint: string | undefined
  /** How clients of the API reach the endpoint, where they see it under another name than the workers do. */
  publicEndpoint: string | undefined
  bucket: string
  region: string
  /** undefined: the usual chain (environment, profile, the machine's role). */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined
  /** Downloads: redirected to presigned URLs, or passed through the API. */
  downloads: 'redirect' | 'proxy'
}

export type Config = {
  host: string
  port: number
  /** Absolute. Everything the embedded default keeps lives under it. */
  ledgerDir: string
  /** Absolute. One folder a dataset. */
  datasetsDir: string
  /** Absolute. Where the embedded Postgres keeps itself. */
  postgresDir: string
  /** Absolute. The folder behind the object store. */
  objectsDir: string
  /** undefined: the embedded Postgres under ledgerDir. */
  databaseUrl: string | undefined
  /** undefined: the queue lives on the same Postgres. */
  redisUrl: string | undefined
  /** undefined: objects lie in objectsDir. */
  s3: S3Config | undefined
  /** undefined: native where it can be had, WASM otherwise. */
  engine: 'native' | 'wasm' | undefined
  /** Threads of one compute process; undefined: the engine decides. */
  threads: number | undefined
  /** Workers that `serve` starts beside the API, on each device where those are named; 0: none; undefined: see planFleet. */
  workers: number | undefined
  /** CUDA devices to compute on, a worker each: `all`, places, or UUIDs; undefined: the first that is there, if any. */
  devices: string[] | undefined
  /** Whether a worker that would compute on a CPU shall not start. */
  requireGpu: boolean
  /** Seconds without a sign after which a worker's job goes to another. */
  lockSeconds: number
  /** Finished experiments older than this are deleted; undefined: none are. */
  retentionDays: number | undefined
  logLevel: LogLevel
  /** keys: every call to /v1 needs a key. none: everybody may do everything. */
  auth: 'keys' | 'none'
  /** Whether LEDGER_AUTH said so, rather than HOST. */
  authSaid: boolean
  /** Origins whose pages may call, as browsers write them. */
  corsOrigins: string[]
  /** Requests a minute that a key (an address, where there is none) may make; 0: any number. */
  rateLimit: number
  /** Experiments that a tenant may have queued or running at once; 0: any number. */
  maxUnfinished: number
  /** Segments that a tenant's queued and running experiments may have together; 0: any number. */
  maxUnfinishedSegments: number
  /** PFLOP that one job may take at the most: the training of an experiment, or one of its segments; 0: any number. */
  maxJobPetaflop: number
  /** Tables of the ledger that a tenant may have on their way at once, to each process of the API; 0: any number. */
  maxTables: number
  /** Bytes of an upload, as it is sent and unzipped. */
  maxUploadBytes: number
  /** Bytes a second that an upload must have on average, but for its first minute; 0: any rate. */
  minUploadRate: number
  /** Bytes that a tenant's uploaded datasets may have together, as they are stored; 0: any number. */
  maxDatasetsBytes: number
  /** Whether webhooks may go to private, loopback and link-local addresses. */
  webhooksToPrivate: boolean
  /** How traces travel to the OpenTelemetry collector that the environment names; undefined: there are none. */
  traces: 'http/protobuf' | 'http/json' | undefined
  /** LEDGER_* variables that are set and mean nothing, each with what was perhaps meant: sentences for people. */
  unknown: string[]
}

/** Read by the command line, set-up, the clients or docker-compose.yml, and not here. */
const readElsewhere = [
  ...[
    'LEDGER_API_KEY',
    'LEDGER_CACHE',
    'LEDGER_CPU_WORKERS',
    'LEDGER_PYTHON',
    'LEDGER_TENSORFLOW',
    'LEDGER_URL',
  ],
]

/** Everything that is wrong with the environment, one line a variable; values of secrets are never in it. */
export class ConfigError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(`the configuration is not usable:\n${problems.map(problem => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Whether a host name or address is this very machine's, and nobody else's. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host)
}

/** The names in `all` or `0,GPU-5f3a…`; undefined where one cannot be a CUDA device's. */
export function parseDeviceNames(text: string): string[] | undefined {
  const names = text.split(',').map(name => name.trim())
  return names.every(name => /^(all|\d+|GPU-[\w-]+|MIG-[\w/-]+)$/.test(name)) ? names : undefined
}

/** Reads the configuration. An empty variable counts as unset. Throws one ConfigError that lists every problem. */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const problems: string[] = []
  const asked = new Set(readElsewhere)
  const text = (name: string) => {
    asked.add(name)
    return env[name]?.trim() || undefined
  }

  const integer = <T>(name: string, fallback: T, minimum: number, maximum: number): number | T => {
    const value = text(name)
    if (value === undefined) return fallback
    const number = Number(value)
    if (/^\d+$/.test(value) && number >= minimum && number <= maximum) return number
    problems.push(
      `${name} must be a whole number from ${minimum} to ${maximum}, not ${JSON.stringify(value)}`,
    )
    return fallback
  }
  const oneOf = <T extends string, F>(name: string, allowed: readonly T[], fallback: F): T | F => {
    const value = text(name)
    if (value === undefined) return fallback
    const found = allowed.find(candidate => candidate === value)
    if (found === undefined)
      problems.push(`${name} must be one of ${allowed.join(', ')}, not ${JSON.stringify(value)}`)
    return found ?? fallback
  }
  // A connection string carries a password: a complaint about it says what was expected, never what was there.
  const secretUrl = (name: string, protocols: string[]): string | undefined => {
    const value = text(name)
    if (value === undefined) return undefined
    const problem = connectionStringProblem(value, protocols)
    if (problem === undefined) return value
    problems.push(`${name} ${problem}`)
    return undefined
  }

  const httpUrl = (name: string): string | undefined => {
    const value = text(name)
    if (value === undefined) return undefined
    if (URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol)) return value
    problems.push(`${name} must be a URL that starts with http:// or https://`)
    return undefined
  }
  const s3 = (): S3Config | undefined => {
    const bucket = text('S3_BUCKET')
    const names = [
      'S3_ENDPOINT',
      'S3_PUBLIC_ENDPOINT',
      'S3_REGION',
      'S3_ACCESS_KEY_ID',
      'S3_SECRET_ACCESS_KEY',
    ]
    const idle = names.filter(name => text(name) !== undefined)
    if (bucket === undefined) {
      // Half a configuration would put the objects somewhere else than they are looked for.
      if (idle.length > 0) problems.push(`S3_BUCKET must be set where ${idle.join(', ')} is`)
      return undefined
    }
    const [accessKeyId, secretAccessKey] = [text('S3_ACCESS_KEY_ID'), text('S3_SECRET_ACCESS_KEY')]
    if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
      problems.push('S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set together')
    const endpoint = httpUrl('S3_ENDPOINT')
    // Where S3_* name a server of one's own, AWS_* are about something else.
    const amazons = endpoint === undefined ? (text('AWS_REGION') ?? text('AWS_DEFAULT_REGION')) : undefined
    return {
      endpoint,
      publicEndpoint: httpUrl('S3_PUBLIC_ENDPOINT'),
      bucket,
      region: text('S3_REGION') ?? amazons ?? 'us-east-1',
      credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
      downloads: oneOf('S3_DOWNLOADS', ['redirect', 'proxy'] as const, 'redirect' as const),
    }
  }

  const origins = (name: string): string[] => {
    const given = (text(name) ?? '')
      .split(',')
      .map(origin => origin.trim())
      .filter(origin => origin !== '')
    const wrong = given.find(origin => !URL.canParse(origin) || new URL(origin).origin !== origin)
    if (wrong !== undefined)
      problems.push(
        `${name} must be origins like https://example.com with commas between, not ${JSON.stringify(wrong)}`,
      )
    return given
  }

  const devices = (): string[] | undefined => {
    const value = text('LEDGER_DEVICES')
    if (value === undefined) return undefined
    const named = parseDeviceNames(value)
    if (named === undefined)
      problems.push(
        `LEDGER_DEVICES must be all, or CUDA devices with commas between, like 0,1; not ${JSON.stringify(value)}`,
      )
    return named
  }

  // OpenTelemetry's own variables. Its SDK reads the rest of them, and would only warn about one that it cannot read.
  const traces = (): Config['traces'] => {
    if (text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || text('OTEL_TRACES_EXPORTER') === 'none')
      return undefined
    const endpoints = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].map(httpUrl)
    if (endpoints.every(endpoint => endpoint === undefined)) return undefined
    const protocols = ['http/protobuf', 'http/json'] as const
    const common = oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', protocols, 'http/protobuf' as const)
    return oneOf('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', protocols, common)
  }

  // ioredis knows sockets as paths, without a scheme: /run/redis/redis.sock.
  const redisUrl = (): string | undefined => {
    if (text('REDIS_URL')?.startsWith('/')) return text('REDIS_URL')
    const url = secretUrl('REDIS_URL', ['redis:', 'rediss:'])
    if (url !== undefined && !(URL.canParse(url) && /^\/?\d*$/.test(new URL(url).pathname)))
      problems.push(
        'REDIS_URL must be redis://host:port/number, the number of the database being 0 where it is left out',
      )
    return url
  }
  const databaseUrl = secretUrl('DATABASE_URL', ['postgres:', 'postgresql:'])
  const host = text('HOST') ?? '127.0.0.1'
  // Never open to the network by mistake: without keys only where nobody else can reach it, or where that was said.
  const said = oneOf('LEDGER_AUTH', ['keys', 'none'] as const, undefined)
  const auth = said ?? (isLoopback(host) ? 'none' : 'keys')
  const ledgerDir = resolve(text('LEDGER_DIR') ?? '.ledger')
  const config: Config = {
    host,
    port: integer('PORT', 3000, 0, 65_535),
    ledgerDir,
    datasetsDir: resolve(text('DATASETS_DIR') ?? resolve(ledgerDir, 'datasets')),
    postgresDir: resolve(ledgerDir, 'postgres'),
    objectsDir: resolve(ledgerDir, 'objects'),
    databaseUrl: databaseUrl && strictSslMode(databaseUrl),
    redisUrl: redisUrl(),
    s3: s3(),
    engine: oneOf('LEDGER_ENGINE', ['native', 'wasm'] as const, undefined),
    threads: integer('LEDGER_THREADS', undefined, 1, 1024),
    workers: integer('LEDGER_WORKERS', undefined, 0, 1024),
    devices: devices(),
    requireGpu: oneOf('LEDGER_REQUIRE_GPU', ['yes', 'no'] as const, 'no' as const) === 'yes',
    lockSeconds: integer('LEDGER_LOCK_SECONDS', 10, 1, 3600),
    retentionDays: integer('LEDGER_RETENTION_DAYS', undefined, 1, 36_500),
    logLevel: oneOf('LOG_LEVEL', logLevels, 'info' as const),
    auth,
    authSaid: said !== undefined,
    corsOrigins: origins('LEDGER_CORS_ORIGINS'),
    rateLimit: integer('LEDGER_RATE_LIMIT', auth === 'keys' ? 1200 : 0, 0, 1_000_000_000),
    maxUnfinished: integer('LEDGER_MAX_UNFINISHED', auth === 'keys' ? 1000 : 0, 0, 1_000_000_000),
    // As many as one sweep may have.
    maxUnfinishedSegments: integer(
      'LEDGER_MAX_UNFINISHED_SEGMENTS',
      auth === 'keys' ? 1_000_000 : 0,
      0,
      1_000_000_000,
    ),
    // A segment of 50 iterations of All-CNN on all of CIFAR-10 takes 330 where every step is split to the limit.
    maxJobPetaflop: integer('LEDGER_MAX_JOB_PFLOP', 1000, 0, 1e12),
    maxTables: integer('LEDGER_MAX_TABLES', 16, 0, 1_000_000),
    maxUploadBytes: integer('LEDGER_MAX_UPLOAD_BYTES', 2 * 2 ** 30, 1, 1e12),
    // 128 kbit/s: a bad line has more.
    minUploadRate: integer('LEDGER_MIN_UPLOAD_RATE', 2 ** 14, 0, 1e9),
    maxDatasetsBytes: integer('LEDGER_MAX_DATASETS_BYTES', auth === 'keys' ? 20 * 2 ** 30 : 0, 0, 1e15),
    webhooksToPrivate: oneOf('LEDGER_WEBHOOKS_TO_PRIVATE', ['yes', 'no'] as const, 'no' as const) === 'yes',
    traces: traces(),
    unknown: [],
  }
  // By now every variable has been asked for.
  const unknown = Object.keys(env).filter(name => /^LEDGER_/i.test(name) && !asked.has(name) && text(name))
  const known = [...asked].filter(name => !unknown.includes(name))
  config.unknown = unknown
    .sort()
    .map(name => `${name} is set, and no variable of Loss Ledger${didYouMean(name, known)}`)
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}
