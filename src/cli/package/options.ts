import { type Architecture, parseArchitecture } from '../../aws/package/architecture.ts'
import { buildPackage, type ModelPlace, type PackageResult } from '../../aws/package/build-package.ts'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import type { OptionSpec, Settings } from '../kit/config.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { modelOptions } from '../kit/model-options.ts'
import type { Io } from '../kit/verb.ts'

const PLACES = ['zip', 'layer', 's3'] as const satisfies readonly ModelPlace[]

/** Options of `package` and `deploy`. */
export const PACKAGE_OPTIONS = {
  model: { type: 'string', short: 'm' },
  labels: { type: 'string' },
  contract: { type: 'string' },
  set: { type: 'string', multiple: true },
  arch: { type: 'string' },
  'model-in': { type: 'string', choices: PLACES },
  'accept-licence': { type: 'string', multiple: true },
} as const satisfies Record<string, OptionSpec>

export const PACKAGE_HELP = `Package
  --model NAME|FILE     name in the catalogue, an .onnx or .tflite file, or none
  --labels FILE         class names: classes.txt, data.yaml, class_map.json, ...
  --contract FILE       what the model expects and gives, instead of what is recognised
  --set PATH=VALUE      one part of the contract (may be repeated)
  --arch A              arm64 | x86_64 (default arm64, which costs a fifth less)
  --model-in PLACE      zip | layer | s3 (default: the first that the limits permit)
  --accept-licence L    agrees to a copyleft or non-commercial licence of weights by its name`

export async function packageFor(
  values: Settings<typeof PACKAGE_OPTIONS>,
  model: string,
  io: Io,
): Promise<PackageResult> {
  const arch: Architecture = parseArchitecture(values.arch ?? 'arm64')
  const { contract, labels } = await modelOptions(values)
  const store = storeProgress(io)
  try {
    return await buildPackage({
      arch,
      model,
      modelIn: values['model-in'] as ModelPlace | undefined,
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
