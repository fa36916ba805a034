/** The types of the client, written from the components of openapi.yaml: what the package says is what the API says. */
import { compile, type JSONSchema } from 'json-schema-to-typescript'
import { parse } from 'yaml'

const banner = `/** What the API takes and answers. Written from openapi.yaml by \`npm run openapi\`; not to be edited. */`

/** The text of src/schemas.ts: a type for each component of an OpenAPI 3.1 document. */
export async function clientSchemas(openapiYaml: string): Promise<string> {
  const { components } = parse(openapiYaml) as { components: { schemas: Record<string, unknown> } }
  const definitions = JSON.parse(
    JSON.stringify(components.schemas).replaceAll('#/components/schemas/', '#/definitions/'),
  ) as Record<string, JSONSchema>
  const text = await compile({ $id: 'Root', type: 'object', definitions }, 'Root', {
    additionalProperties: false,
    bannerComment: banner,
    // Arrays rather than tuples of every length: a list that somebody builds is no tuple.
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: true,
    style: { semi: false, singleQuote: true, printWidth: 110, trailingComma: 'all', arrowParens: 'avoid' },
  })
  return text
    .replace(
      / \*\n \* This interface was referenced by `Root`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g,
      '',
    )
    .replace(
      /\/\*\*\n \* This interface was referenced by `Root`'s JSON-Schema\n \* via the `definition` "\w+"\.\n \*\/\n/g,
      '',
    )
    .replace(/export interface Root \{\}\n/, '')
}
