import type { Contract } from '../model/contract.ts'
import type { ModelSignature } from '../model/signature.ts'
import { isTflite } from '../prepare/read-signature.ts'
import type { ModelFile } from './model-file.ts'

/** What the runtime can open: the file itself, the ONNX form of a TFLite model, or a model joined with its weights. */
export async function runnable(path: string, { bytes, isJoined }: ModelFile): Promise<string | Uint8Array> {
  if (isTflite(bytes)) {
    return (await convertedOnce(bytes)).bytes
  }
  return isJoined ? bytes : path
}

interface Converted {
  bytes: Uint8Array
  signature: ModelSignature
}

/** Knowing a TFLite model and running it both need the conversion; it goes when the file's bytes go. */
const conversions = new WeakMap<Uint8Array, Converted>()

export async function convertedOnce(bytes: Uint8Array): Promise<Converted> {
  const { tfliteToOnnx } = await import('../tflite/tflite.ts')
  const converted = conversions.get(bytes) ?? tfliteToOnnx(bytes)
  conversions.set(bytes, converted)
  return converted
}

/** The equivalent faster graph, where there is one. */
export async function preparedGraph(bytes: Uint8Array, contract: Contract, asIs: boolean) {
  if (isTflite(bytes)) {
    return undefined
  }
  const { prepareModel, prepareNeeded } = await import('../prepare/prepare.ts')
  return asIs ? prepareNeeded(bytes, contract) : prepareModel(bytes, contract)
}
