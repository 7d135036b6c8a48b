import { basename } from 'node:path'
import { BoxletError } from '../../errors.ts'
import type { ServedModel } from '../../pool/worker-messages.ts'
import { DEFAULT_MODEL, MODEL_OPTIONS, modelOptions } from './model-options.ts'
import type { OptionSpec, Settings } from './option-spec.ts'

/** Models of a process that answers for several. */
export const SERVED_MODELS_OPTION = {
  ...MODEL_OPTIONS.model,
  says: 'name in the catalogue, or an .onnx, .tflite or .pt file; the first answers requests that name none',
  group: 'Models',
  value: '[NAME=]MODEL',
  multiple: true,
  default: DEFAULT_MODEL,
} as const satisfies OptionSpec

export const WORKERS_OPTION = {
  type: 'number',
  says: 'worker threads, each with its own copy of the model',
  group: 'Models',
  integer: true,
  min: 1,
  max: 256,
  otherwise: 'as many as the process may use',
} as const satisfies OptionSpec

type ModelValues = Partial<Omit<Settings<typeof MODEL_OPTIONS>, 'model'>> & { model: readonly string[] }

/** @throws BoxletError USAGE */
export async function servedModels(values: ModelValues): Promise<ServedModel[]> {
  const { model: models, threads: _threads, ...rest } = values
  const { signal: _signal, onProgress: _progress, onNotice: _notice, ...options } = await modelOptions(rest)
  if (models.length > 1 && Object.keys(options).length > 0) {
    throw new BoxletError(
      'USAGE',
      'Expected a single model for --labels, --contract, --set or --as-is but received several.',
    )
  }
  const served = models.map((text) => ({ ...namedModel(text), options }))
  if (new Set(served.map(({ name }) => name)).size < served.length) {
    throw new BoxletError('USAGE', 'Expected a different name for each model.', {
      hint: 'Write --model NAME=FILE.',
    })
  }
  return served
}

/** `NAME=MODEL`, or a model alone, whose file name without its ending is then the name. */
export function namedModel(text: string): { name: string; model: string } {
  const match = /^([A-Za-z0-9][\w.-]{0,99})=(.+)$/s.exec(text)
  if (match !== null) {
    return { name: match[1] as string, model: match[2] as string }
  }
  return { name: basename(text).replace(/\.(onnx|tflite|pth?)$/i, ''), model: text }
}
