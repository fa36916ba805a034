/**
 * Writes openapi.yaml from the schemas of the routes, and the client's types from it; where an argument is given, that
 * file alone.
 */
import { writeFile } from 'node:fs/promises'
import { clientSchemas } from '../../clients/typescript/write-schemas.ts'
import { declareApi } from './document.ts'

const { yaml } = await declareApi()
await writeFile(process.argv[2] ?? 'openapi.yaml', yaml)
if (process.argv[2] === undefined)
  await writeFile('clients/typescript/src/schemas.ts', await clientSchemas(yaml))
