/**
 * Traces, from the request that made an experiment to its last segment, for whoever collects OpenTelemetry's. Off, and
 * nothing of it loaded, unless the configuration says so; then every function here does what it was given, and no more.
 *
 * State of the module, not handed from function to function: a span is found where the code runs, which is how
 * OpenTelemetry's own API and the queue's adapter for it work.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { hostname } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import type { Attributes, Span, Tracer } from '@opentelemetry/api'
import type { Telemetry } from 'bullmq'
import type { Config } from './config.ts'
import type { Log } from './log.ts'

type Api = typeof import('@opentelemetry/api')

let current: { api: Api; tracer: Tracer; queue: Telemetry } | undefined

/** How long stopping waits for a collector that does not answer. */
const patience = 3000
/** A collector that is away is told of once in so many milliseconds. */
const complainEvery = 60_000

/**
 * Starts tracing this process, where the configuration asks for it. To be called before the queue is opened and the API
 * built. Returns what sends the rest and stops; calling that again does nothing. Whatever else OpenTelemetry's standard
 * variables say (headers, sampling, batches, limits, the service's name), its SDK reads by itself.
 */
export async function startTelemetry(
  { traces }: Pick<Config, 'traces'>,
  process: 'api' | 'worker',
  log: Log,
): Promise<() => Promise<void>> {
  // A second part of the same process is in the traces already.
  if (traces === undefined || current !== undefined) return async () => {}
  const [api, { AsyncLocalStorageContextManager }, { W3CTraceContextPropagator }, resources, sdk, exporters] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-base'),
      traces === 'http/json'
        ? import('@opentelemetry/exporter-trace-otlp-http')
        : import('@opentelemetry/exporter-trace-otlp-proto'),
    ])
  let complained = Number.NEGATIVE_INFINITY
  const complain = (message: string) => {
    if (performance.now() - complained < complainEvery) return
    complained = performance.now()
    log.warn({ telemetry: message.slice(0, 1000) }, 'traces are not all delivered')
  }
  const ignore = () => {}
  api.diag.setLogger(
    { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const provider = new sdk.BasicTracerProvider({
    resource: resources
      .resourceFromAttributes({
        'service.name': `loss-ledger-${process}`,
        // As workers are called in experiments.worker and in GET /v1/workers.
        'service.instance.id': `${hostname()}:${globalThis.process.pid}`,
      })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor(new exporters.OTLPTraceExporter())],
  })
  api.trace.setGlobalTracerProvider(provider)
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  // Not baggage: what callers put there is not for the queue to keep.
  api.propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  current = { api, tracer: api.trace.getTracer('loss-ledger'), queue: await tellQueue(api) }
  log.info('traces are sent to the collector that OTEL_EXPORTER_OTLP_… names')

  const stop = async () => {
    current = undefined
    const late = setTimeout(patience, 'late', { ref: false })
    const outcome = await Promise.race([provider.shutdown(), late]).catch((error: Error) => error.message)
    if (outcome !== undefined) complain(outcome)
    for (const part of [api.trace, api.context, api.propagation, api.diag]) part.disable()
  }
  let stopped: Promise<void> | undefined
  return () => {
    stopped ??= stop()
    return stopped
  }
}

/**
 * BullMQ's own telemetry, less what would drown the rest: it has a span for every poll, every renewal of a lock and every
 * look for stalled jobs. What is added and what is worked on stays; both travel in the job's options, on either backend.
 */
async function tellQueue(api: Api): Promise<Telemetry> {
  const [{ BullMQOtel }, { SpanKind, TelemetryAttributes }] = await Promise.all([
    import('bullmq-otel'),
    import('bullmq'),
  ])
  const { tracer, contextManager } = new BullMQOtel({ tracerName: 'bullmq' })
  const ignore = () => {}
  const silent: ReturnType<Telemetry['tracer']['startSpan']> = {
    setSpanOnContext: context => context,
    ...{
      setAttribute: ignore,
      setAttributes: ignore,
      addEvent: ignore,
      recordException: ignore,
      end: ignore,
    },
  }
  return {
    tracer: {
      startSpan(name, options, context) {
        if (options?.kind === SpanKind.INTERNAL) return silent
        const span = tracer.startSpan(name, options, context)
        const setAttributes = span.setAttributes.bind(span)
        // The kinds of a thousand jobs are a thousand times the same word.
        span.setAttributes = ({ [TelemetryAttributes.BulkNames]: _, ...attributes }) =>
          setAttributes(attributes)
        return span
      },
    },
    contextManager: Object.assign(contextManager, { root: () => api.ROOT_CONTEXT }),
  }
}

/** Whether this process is traced. */
export const isTraced = (): boolean => current !== undefined

/** What BullMQ's constructors take as `telemetry`. */
export const queueTelemetry = (): Telemetry | undefined => current?.queue

/**
 * Does some work in a span of its own, below the one that the code runs in. An error makes the span a failed one, unless
 * it is `expected`: then its name is noted, and no more.
 */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
  expected: (error: unknown) => boolean = () => false,
): Promise<T> {
  if (current === undefined) return work()
  const { api, tracer } = current
  return tracer.startActiveSpan(name, { attributes }, async span => {
    try {
      return await work()
    } catch (error) {
      if (expected(error)) span.setAttribute('ledger.outcome', (error as Error).name)
      else fail(api, span, error)
      throw error
    } finally {
      span.end()
    }
  })
}

/** Adds to what is known of the span that the code runs in. */
export function describeSpan(attributes: Attributes): void {
  current?.api.trace.getActiveSpan()?.setAttributes(attributes)
}

/** Makes the span that the code runs in a failed one. */
export function failSpan(error: unknown): void {
  const span = current?.api.trace.getActiveSpan()
  if (current !== undefined && span !== undefined) fail(current.api, span, error)
}

/** Does some work outside of any span: what is of no one request or job must not end up in the trace of one. */
export function outsideSpans<T>(work: () => T): T {
  return current === undefined ? work() : current.api.context.with(current.api.ROOT_CONTEXT, work)
}

/** The span of a request. */
export type RequestSpan = {
  /** Does some work in it. */
  run<T>(work: () => T): T
  end(status: number, error?: Error): void
}

/** Starts the span of a request, which goes on with the trace that its headers name, if any (W3C's traceparent). */
export function startRequestSpan(
  headers: IncomingHttpHeaders,
  name: string,
  attributes: Attributes,
): RequestSpan | undefined {
  if (current === undefined) return undefined
  const { api, tracer } = current
  const caller = api.propagation.extract(api.ROOT_CONTEXT, headers)
  const span = tracer.startSpan(name, { kind: api.SpanKind.SERVER, attributes }, caller)
  const context = api.trace.setSpan(caller, span)
  return {
    run: work => api.context.with(context, work),
    end(status, error) {
      span.setAttribute('http.response.status_code', status)
      if (status >= 500) fail(api, span, error)
      span.end()
    },
  }
}

/** The log has the stack, and everything else about it; a trace goes to other people. */
function fail(api: Api, span: Span, error: unknown): void {
  const { name, message } = error instanceof Error ? error : { name: undefined, message: undefined }
  if (name !== undefined) span.recordException({ name, message })
  span.setStatus({ code: api.SpanStatusCode.ERROR, message })
}
