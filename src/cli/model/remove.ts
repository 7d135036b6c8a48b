import { removeModel } from '../../store/store.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { forEachName } from './for-each-name.ts'
import { MODEL_NAMES, TABLE_OPTIONS } from './options.ts'

export const verb = defineVerb({
  name: 'model remove',
  summary: 'Take models out of the cache.',
  inputs: MODEL_NAMES,
  options: TABLE_OPTIONS,
  examples: ['boxlet model remove yolov8n'],
  alsoKnownAs: ['rm', 'prune'],
  run: ({ values, inputs }: Call<typeof TABLE_OPTIONS>, io: Io): Promise<ExitCode> =>
    forEachName(inputs, values.format, io, async (name) => {
      const removed = await removeModel(name, { env: io.env })
      return { text: removed ? `Removed ${name}.` : `${name} was not cached.`, result: { name, removed } }
    }),
})
