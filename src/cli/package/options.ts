import { type Architecture, parseArchitecture } from '../../aws/package/architecture.ts'
import { buildPackage, type ModelPlace, type PackageResult } from '../../aws/package/build-package.ts'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { CONTRACT_OPTIONS, MODEL_OPTIONS, modelOptions } from '../kit/model-options.ts'
import { inGroup, type Options, type Settings } from '../kit/option-spec.ts'
import type { Io } from '../kit/verb.ts'
import { quantizeOnTheWay } from './quantize.ts'

const PLACES = ['zip', 'layer', 's3'] as const satisfies readonly ModelPlace[]

const GROUP = 'Package'

/** Options of the verbs that build a package. */
export const PACKAGE_OPTIONS = {
  model: {
    ...MODEL_OPTIONS.model,
    says: 'name in the catalogue, an .onnx, .tflite or .pt file, or none',
    group: GROUP,
  },
  ...inGroup(GROUP, CONTRACT_OPTIONS),
  arch: {
    type: 'string',
    says: 'arm64 or x86_64; arm64 costs a fifth less',
    group: GROUP,
    value: 'A',
    otherwise: 'arm64',
    alsoKnownAs: ['architecture', 'platform'],
  },
  quantize: {
    type: 'string',
    says: 'make the model one of whole numbers first, with these pictures; refuses where that is not worth it',
    group: GROUP,
    value: 'PICTURES|DATASET',
    completes: 'folder',
  },
  'model-in': {
    type: 'string',
    says: 'where the model goes',
    group: GROUP,
    value: 'PLACE',
    choices: PLACES,
    otherwise: 'the first that the limits permit',
  },
  'accept-licence': {
    type: 'string',
    says: 'agree to a copyleft or non-commercial licence of weights, by its name',
    group: GROUP,
    value: 'L',
    multiple: true,
    alsoKnownAs: ['accept-license'],
  },
} as const satisfies Options

export async function packageFor(
  values: Settings<typeof PACKAGE_OPTIONS>,
  model: string,
  io: Io,
): Promise<PackageResult> {
  const arch: Architecture = parseArchitecture(values.arch ?? 'arm64')
  const given = await modelOptions(values)
  const store = storeProgress(io)
  const { quantize } = values
  if (quantize !== undefined && model === 'none') {
    throw new BoxletError('USAGE', 'Expected a model for --quantize but received none.')
  }
  try {
    await using made =
      quantize === undefined
        ? undefined
        : await quantizeOnTheWay(model, given, quantize, io).finally(store.end)
    const { contract, labels } = made ?? given
    return await buildPackage({
      arch,
      model: made?.path ?? model,
      modelIn: values['model-in'],
      acceptedLicences: values['accept-licence'] ?? [],
      env: io.env,
      signal: io.signal,
      ...defined({ contract, labels, onProgress: store.onProgress, onNotice: store.onNotice }),
    })
  } catch (error) {
    if (io.signal.aborted) {
      throw new BoxletError('ABORTED', 'Expected the package to be built but was interrupted.')
    }
    throw error
  } finally {
    store.end()
  }
}
