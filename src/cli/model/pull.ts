import { pullModel } from '../../store/store.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { forEachName } from './for-each-name.ts'
import { MODEL_NAMES, TABLE_OPTIONS } from './options.ts'

export const verb = defineVerb({
  name: 'model pull',
  summary: 'Fetch models that are not cached yet, and print where they are.',
  inputs: MODEL_NAMES,
  options: TABLE_OPTIONS,
  examples: ['boxlet model pull yolov8n'],
  alsoKnownAs: ['download', 'fetch', 'get'],
  run: ({ values, inputs }: Call<typeof TABLE_OPTIONS>, io: Io): Promise<ExitCode> =>
    forEachName(inputs, values.format, io, async (name) => {
      const progress = storeProgress(io)
      try {
        const { path, sha256, licence } = await pullModel(name, progress)
        return { text: path, result: { name, path, sha256, licence } }
      } finally {
        progress.end()
      }
    }),
})
