import { readFile } from 'node:fs/promises'
import { DEFAULT_LIMITS, type FetchPicture } from '../api/options.ts'
import type { Detectors } from '../detector/detectors.ts'
import { fetchImage } from '../image/fetch/fetch-url.ts'
import { Folders } from '../mcp/folders.ts'
import { serveStdio } from '../mcp/stdio.ts'
import { toolsOf } from '../mcp/tools.ts'
import { Detector } from '../pool/pooled.ts'
import type { ServedModel } from '../pool/worker-messages.ts'
import { defined } from '../system/defined.ts'
import { MODEL_OPTIONS } from './kit/model-options.ts'
import { inGroup, type Options } from './kit/option-spec.ts'
import { SERVED_MODELS_OPTION, servedModels } from './kit/served-models.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'

const OPTIONS = {
  ...inGroup('Models', MODEL_OPTIONS),
  model: SERVED_MODELS_OPTION,
  urls: {
    type: 'string',
    says: 'addresses of pictures that are fetched',
    group: 'Pictures',
    value: 'MODE',
    choices: { off: 'none', https: 'public https addresses' },
    default: 'off',
    own: true,
  },
} as const satisfies Options

export const verb = defineVerb({
  name: 'mcp',
  summary: 'Answer an assistant over the Model Context Protocol, on standard input and output.',
  about: `Assistants start it themselves: give them "boxlet" as the command, and "mcp" with folders as its arguments.
    Pictures and data sets are read from those folders alone, links followed. Over HTTP it is "boxlet serve --clients mcp".`,
  inputs: { usage: '[FOLDER...]', noun: 'folder', least: 0, completes: 'folder' },
  options: OPTIONS,
  examples: ['boxlet mcp ~/Pictures', 'boxlet mcp photos/ --model best.onnx'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const folders = await Folders.open(inputs)
  const detectors = onDemand(await servedModels(values), values.threads, io)
  const fetchPicture: FetchPicture | undefined = values.urls === 'off' ? undefined : fetchImage
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const tools = toolsOf({ detectors, folders, fetchPicture, limits: DEFAULT_LIMITS })
  await serveStdio({ version, tools }, io.stdin, io.stdout, io.signal)
  await detectors.close()
  return 0
}

/** Loaded by the first call that needs it: an assistant starts every server that it knows, and asks few. */
function onDemand(
  models: readonly ServedModel[],
  threads: number | undefined,
  io: Io,
): Detectors & { close(): Promise<void> } {
  const loaded = new Map<string, Promise<Detector>>()
  const get = (name: string): Promise<Detector> => {
    const { model, options } = models.find((entry) => entry.name === name)!
    const detector =
      loaded.get(name) ??
      Detector.load(model, {
        ...options,
        ...defined({ threads }),
        onNotice: (line) => void io.stderr.write(`boxlet: ${line}\n`),
      })
    loaded.set(name, detector)
    detector.catch(() => loaded.delete(name))
    return detector
  }
  return {
    names: models.map(({ name }) => name),
    defaultName: models[0]!.name,
    ready: () => true,
    get,
    close: async () => {
      for (const detector of await Promise.allSettled(loaded.values())) {
        if (detector.status === 'fulfilled') {
          await detector.value.dispose()
        }
      }
    },
  }
}
