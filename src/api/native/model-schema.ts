/** What `/v1/models` answers. */
import * as v from 'valibot'
import { modelName } from '../../formats/native-schema.ts'
import type { Evidence } from '../../model/contract.ts'
import { contractSchema } from '../../model/contract-schema.ts'
import { count, described, ratio } from '../../system/schema.ts'

const { name, ...file } = modelName.entries
const served = {
  name: described(name, 'As requests give it.'),
  default: described(v.boolean(), 'Taken where a request names none.'),
  ...file,
}

const evidence = v.object({
  about: described(v.string(), 'Part of the contract, e.g. input.colour.'),
  conclusion: v.string(),
  because: v.string(),
  confidence: described(ratio, 'Below 0.5 it is a guess that a person should look at.'),
}) satisfies v.GenericSchema<Evidence>

export const modelEntry = v.object({
  ...served,
  title: described(v.string(), 'As its contract names it.'),
  task: v.string(),
  classes: count,
})
export const models = v.object({ models: v.array(modelEntry) })
export const model = v.object({
  ...served,
  contract: contractSchema,
  evidence: described(v.array(evidence), 'Why the contract is what it is; empty where it was stored.'),
})
