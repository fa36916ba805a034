/**
 * Writes openapi.yaml from the schemas of the routes, the client's types from it, and docs/diagnostics.md; where an
 * argument is given, openapi.yaml alone, there.
 */
import { writeFile } from 'node:fs/promises'
import { clientSchemas } from '../../clients/typescript/write-schemas.ts'
import { diagnosticsDocument } from './diagnostics-document.ts'
import { declareApi } from './document.ts'

const { yaml } = await declareApi()
await writeFile(process.argv[2] ?? 'openapi.yaml', yaml)
if (process.argv[2] === undefined) {
  await writeFile('clients/typescript/src/schemas.ts', await clientSchemas(yaml))
  await writeFile('docs/diagnostics.md', diagnosticsDocument())
}
