/** The OpenAPI document without a running service: the routes are declared, and nothing behind them is called. */
import { pino } from 'pino'
import { readConfig } from '../config.ts'
import { buildApp } from './app.ts'
import type { Services } from './services.ts'

/** The text of openapi.yaml, and the routes that it ought to describe ("GET /v1/experiments/{id}"). */
export async function declareApi(): Promise<{ yaml: string; routes: string[] }> {
  const log = pino({ level: 'silent' })
  const app = await buildApp({ ...({} as Services), config: readConfig({}), log })
  try {
    const routes = [...app.routeTable].flatMap(([url, methods]) => {
      const path = url.replace(/:(\w+)/g, '{$1}').replace('*', '{name}')
      return [...methods].filter(method => method !== 'HEAD').map(method => `${method} ${path}`)
    })
    return { yaml: await app.openapiYaml(), routes }
  } finally {
    await app.close()
  }
}
