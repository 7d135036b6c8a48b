/** The model of a package: known, prepared and checked once here, so that no start has to do it again. */

import { createHash } from 'node:crypto'
import { loadModel } from '../../detector/load.ts'
import { readModelFile } from '../../detector/model-file.ts'
import type { LoadOptions } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import type { Licence } from '../../model/contract.ts'
import { readOnnx } from '../../onnx/read/reader.ts'
import { splitWeights } from '../../onnx/write/split-weights.ts'
import { isTflite } from '../../prepare/read-signature.ts'
import { optimiseOffline } from '../../runtime/optimise-offline.ts'
import { resolveModel } from '../../store/store.ts'
import { defined } from '../../system/defined.ts'
import { MANIFEST_FILE, MODEL_FOLDER, type ModelManifest, WEIGHTS_FILE } from '../function/packaged-model.ts'
import type { PackageFile } from './zip.ts'

export interface PackagedModel {
  manifest: ModelManifest
  /** The manifest and the graph that runs, as one file for S3. */
  files: PackageFile[]
  /** The same for the package or a layer, where the weights are a file that the runtime maps into memory. */
  mapped: PackageFile[]
}

export interface ModelPartOptions
  extends Pick<LoadOptions, 'contract' | 'labels' | 'onNotice' | 'onProgress'> {
  env: Record<string, string | undefined>
  signal: AbortSignal
  /** Licences of weights that the user has accepted by name. */
  acceptedLicences: readonly string[]
}

/**
 * @throws BoxletError LICENCE_REFUSED for copyleft and non-commercial weights that were not accepted by name,
 * and all that loading a model throws
 */
export async function packageModel(model: string, options: ModelPartOptions): Promise<PackagedModel> {
  const { env, signal, contract, labels, onNotice, onProgress, acceptedLicences } = options
  const resolved = await resolveModel(model, { env, signal, onNotice, onProgress })
  const loaded = await loadModel(model, {
    signal,
    ...defined({ contract, labels, onNotice }),
  })
  try {
    const licence = loaded.info.contract.licence ?? resolved.licence
    checkLicence(loaded.info.name, licence, acceptedLicences)
    const { bytes: given } = await readModelFile(resolved.path)
    const graph = await graphThatRuns(given, loaded.info.contract)
    const sha256 = createHash('sha256').update(graph.bytes).digest('hex')
    const manifest: ModelManifest = {
      version: 1,
      file: 'model.onnx',
      bytes: graph.bytes.length,
      sha256,
      info: { ...loaded.info, evidence: [] },
      runs: graph.contract,
    }
    const text = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`)
    const file = (name: string, bytes: Uint8Array): PackageFile => ({
      name: `${MODEL_FOLDER}/${name}`,
      bytes,
    })
    const split = splitWeights(graph.bytes, WEIGHTS_FILE)
    const files = [file(MANIFEST_FILE, text), file(manifest.file, graph.bytes)]
    const mapped =
      split === undefined
        ? files
        : [file(MANIFEST_FILE, text), file(manifest.file, split.graph), file(WEIGHTS_FILE, split.weights)]
    return { manifest, files, mapped }
  } finally {
    await loaded.session.release()
  }
}

async function graphThatRuns(
  given: Uint8Array,
  contract: ModelManifest['runs'],
): Promise<{ bytes: Uint8Array; contract: ModelManifest['runs'] }> {
  let bytes = given
  if (isTflite(given)) {
    const { tfliteToOnnx } = await import('../../tflite/tflite.ts')
    bytes = tfliteToOnnx(given).bytes
  }
  const { prepareModel } = await import('../../prepare/prepare.ts')
  const graph = prepareModel(bytes, contract) ?? { bytes, contract }
  if (readOnnx(graph.bytes).quantization !== 'qdq') {
    return graph
  }
  // Pairs of QuantizeLinear and DequantizeLinear more than double the time of a start.
  const optimised = await optimiseOffline(graph.bytes)
  return isPortable(optimised) ? { ...graph, bytes: optimised } : graph
}

/** True where no operator is of a layout that belongs to the processor of this machine. */
const isPortable = (bytes: Uint8Array): boolean =>
  Object.keys(readOnnx(bytes).ops).every((op) => !op.includes(':') || op.startsWith('com.microsoft:'))

function checkLicence(name: string, licence: Licence | undefined, accepted: readonly string[]): void {
  if (licence === undefined || licence.class === 'permissive' || licence.class === 'unknown') {
    return
  }
  if (accepted.some((one) => one.toLowerCase() === licence.name.toLowerCase())) {
    return
  }
  const meaning =
    licence.class === 'copyleft'
      ? 'It may bind the service that you build on it.'
      : 'It does not permit commercial use.'
  throw new BoxletError(
    'LICENCE_REFUSED',
    `Expected the licence of the weights of "${name}" to be accepted but it is ${licence.name}.`,
    {
      hint: `${meaning} To go on, add --accept-licence ${licence.name}.`,
      details: { licence: licence.name },
    },
  )
}
