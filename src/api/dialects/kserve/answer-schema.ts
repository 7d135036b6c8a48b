/** What `/v2` answers: the open inference protocol, version 2. */
import * as v from 'valibot'
import { count, opaque } from '../../../system/schema.ts'

const tensorInfo = v.object({
  name: v.string(),
  datatype: v.string(),
  shape: v.pipe(v.array(v.pipe(v.number(), v.integer())), v.description('−1 where any size is taken.')),
})

export const kserveServer = v.object({
  name: v.string(),
  version: v.string(),
  extensions: v.array(v.string()),
})
export const kserveLive = v.object({ live: v.boolean() })
export const kserveReady = v.object({ ready: v.boolean() })
export const kserveModelReady = v.object({ name: v.string(), ready: v.boolean() })

export const kserveModel = v.object({
  name: v.string(),
  versions: v.array(v.string()),
  platform: v.string(),
  inputs: v.array(tensorInfo),
  outputs: v.array(tensorInfo),
})

export const kserveAnswer = v.object({
  model_name: v.string(),
  model_version: v.string(),
  id: v.exactOptional(v.string()),
  outputs: v.array(
    v.object({
      name: v.string(),
      datatype: v.string(),
      shape: v.array(count),
      data: v.exactOptional(opaque<(number | string)[]>('array', 'Row-major; absent where bytes follow.')),
      parameters: v.exactOptional(v.object({ binary_data_size: count })),
    }),
  ),
})

export const kserveError = v.object({ error: v.string() })
