/** Writes openapi.yaml from the schemas of the routes; to another file if its path is the argument. */
import { writeFile } from 'node:fs/promises'
import { declareApi } from './document.ts'

await writeFile(process.argv[2] ?? 'openapi.yaml', (await declareApi()).yaml)
