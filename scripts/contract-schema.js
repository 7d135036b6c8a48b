// Writes the JSON Schema of a contract beside the built code, for editors and for `boxlet/contract.schema.json`.
import { writeFileSync } from 'node:fs'
import { toJsonSchema } from '@valibot/to-json-schema'
import { contractSchema } from '../dist/model/contract-schema.js'

const schema = { ...toJsonSchema(contractSchema), title: 'Boxlet model contract' }
writeFileSync(
  new URL('../dist/contract.schema.json', import.meta.url),
  `${JSON.stringify(schema, null, 2)}\n`,
)
