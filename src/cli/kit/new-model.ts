/** Of verbs that make a model of another one: the options of what is written, and the opening of what is given. */
import { existsSync } from 'node:fs'
import { defined } from '../../system/defined.ts'
import { type ModelSource, openSource } from '../../toolchain/source.ts'
import { storeProgress } from './download-progress.ts'
import { FORMAT_OPTION } from './format-option.ts'
import { type CONTRACT_OPTIONS, modelOptions } from './model-options.ts'
import type { OptionSpec, Settings } from './option-spec.ts'
import { checkOut, madeFrom } from './out-file.ts'
import type { Io } from './verb.ts'

const OUT = {
  type: 'string',
  says: 'file to write',
  group: 'Output',
  value: 'FILE',
  short: 'o',
  own: true,
  completes: 'file',
} as const satisfies OptionSpec

const FORCE = {
  type: 'boolean',
  says: 'overwrite a file that exists, but never the one that is given',
  group: 'Output',
  own: true,
} as const satisfies OptionSpec

/** @param suffix `simple`, for `MODEL.simple.onnx` */
export const newModelOptions = (suffix: string) =>
  ({
    out: { ...OUT, otherwise: `MODEL.${suffix}.onnx beside the model` },
    force: FORCE,
    format: FORMAT_OPTION,
  }) as const

/**
 * Opens the model that is given, before anything is written over.
 *
 * @param suffix of the name that the new file gets where none is given
 * @throws BoxletError as `openSource` and `checkOut`
 */
export async function openGiven(
  model: string,
  suffix: string,
  values: Settings<typeof CONTRACT_OPTIONS> & { out?: string; force?: boolean },
  io: Io,
): Promise<{ source: ModelSource; out: string }> {
  const out = values.out ?? madeFrom(model, existsSync(model), suffix)
  const store = storeProgress(io)
  const source = await openSource(model, {
    ...(await modelOptions(values)),
    signal: io.signal,
    ...defined({ onProgress: store.onProgress, onNotice: store.onNotice }),
  }).finally(store.end)
  await checkOut(out, source.path, values.force === true)
  return { source, out }
}
