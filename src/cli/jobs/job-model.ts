/** Which model a job is for: recorded with it, so that whoever goes on with it uses the same. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { BoxletError } from '../../errors.ts'
import type { Job, JobOptions, ModelOrigin } from '../../jobs/job.ts'
import { defined } from '../../system/defined.ts'
import { DEFAULT_MODEL, type MODEL_OPTIONS } from '../kit/model-options.ts'
import type { OptionSpec, Settings } from '../kit/option-spec.ts'
import { namedModel, SERVED_MODELS_OPTION } from '../kit/served-models.ts'

const { default: _default, ...MODEL } = SERVED_MODELS_OPTION

/** Of a verb whose jobs say which model they are for. */
export const JOB_MODEL_OPTION = {
  ...MODEL,
  says: 'name in the catalogue, or an .onnx, .tflite or .pt file; the first is that of what is submitted',
  otherwise: `that of the jobs, or ${DEFAULT_MODEL}`,
} as const satisfies OptionSpec

export type ModelValues = Pick<Settings<typeof MODEL_OPTIONS>, 'labels' | 'contract' | 'set' | 'as-is'> & {
  model?: readonly string[]
}

/** No name of the catalogue, and no address of a place elsewhere. */
const isFile = (model: string): boolean => /\.(onnx|tflite|pth?)$/i.test(model) && existsSync(model)

/** What a job keeps of the model that its caller asks for; nothing where that is left to whoever works on it. */
export function modelOf(values: ModelValues): Pick<JobOptions, 'model' | 'load'> {
  const { model: models, labels, contract, set, 'as-is': asIs } = values
  if ([models, labels, contract, set, asIs].every((value) => value === undefined)) {
    return {}
  }
  const { name, model } = namedModel(models?.[0] ?? DEFAULT_MODEL)
  const load: ModelOrigin = {
    model: isFile(model) ? resolve(model) : model,
    ...defined({
      labels: labels === undefined ? undefined : resolve(labels),
      contract: contract === undefined ? undefined : resolve(contract),
      set,
      asIs: asIs ? (true as const) : undefined,
    }),
  }
  return { model: name, load }
}

/**
 * The models that it takes to work on jobs: those that the caller names, or else those that the jobs are for. The
 * first answers jobs that name none.
 *
 * @throws BoxletError USAGE where a job is for another model than the caller names, or several have to be loaded in
 *   ways of which one call has only one
 */
export function modelsFor(
  jobs: readonly Pick<Job, 'id' | 'options'>[],
  values: ModelValues,
): ModelValues & { model: string[] } {
  const asked = modelOf(values).model
  if (asked !== undefined) {
    const given = values.model ?? [DEFAULT_MODEL]
    const names = given.map((text) => namedModel(text).name)
    const other = jobs.find(({ options: { model } }) => model !== undefined && !names.includes(model))
    if (other !== undefined) {
      throw new BoxletError(
        'USAGE',
        `Expected --model ${other.options.model}, which job ${other.id} is for, but received ${names.join(', ')}.`,
        { hint: 'Leave --model out: the jobs know theirs.' },
      )
    }
    return { ...values, model: [...given] }
  }
  const loads = new Map<string, ModelOrigin>()
  for (const { options } of [...jobs].sort(
    (a, b) => Number(a.options.model !== undefined) - Number(b.options.model !== undefined),
  )) {
    const { model: name = DEFAULT_MODEL } = options
    const { model, ...rest } = options.load ?? { model: name }
    loads.set(name, { model: `${name}=${model}`, ...rest })
  }
  const all = [...loads.values()]
  const { labels, contract, set, asIs } = all.find((load) => Object.keys(load).length > 1) ?? {}
  return {
    model: all.map(({ model }) => model),
    ...defined({ labels, contract, set: set === undefined ? undefined : [...set], 'as-is': asIs }),
  }
}
