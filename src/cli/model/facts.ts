import { basename } from 'node:path'
import { type KnownModel, knowModel } from '../../detector/load.ts'
import { readModelFile } from '../../detector/model-file.ts'
import type { ContractParts } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { recognise } from '../../families/recognise.ts'
import type { Contract, Evidence, Licence } from '../../model/contract.ts'
import type { ModelSignature } from '../../model/signature.ts'
import { isTflite, readSignature } from '../../prepare/read-signature.ts'
import { defaultThreads } from '../../runtime/processors.ts'
import { type ResolvedModel, resolveModel } from '../../store/store.ts'
import { storeProgress } from '../kit/download-progress.ts'
import type { Io } from '../kit/verb.ts'

/** All that is known about a model without detecting anything. */
export interface ModelFacts {
  resolved: ResolvedModel
  bytes: Uint8Array
  signature: ModelSignature
  /** The contract in force; undefined when no family fits and none is stored. */
  contract: Contract | undefined
  /** Where it is from. */
  contractFrom: 'recognised' | 'stored beside the model' | 'catalogue'
  /** Why recognition concludes what it does, also when a stored contract takes precedence. */
  evidence: Evidence[]
  alternatives: { family: string; confidence: number }[]
  /** Why there is no contract. */
  unrecognised: BoxletError | undefined
  licence: { licence: Licence; from: string } | undefined
}

/** Finds a model by name or path and reads it. Runs it only where the file leaves something open. */
export async function modelFacts(
  nameOrPath: string,
  io: Io,
  parts?: ContractParts,
  { ignoreContract = false } = {},
): Promise<ModelFacts> {
  const progress = storeProgress(io)
  const resolved = await resolveModel(nameOrPath, { ...progress, ignoreContract }).finally(progress.end)
  const file = await readModelFile(resolved.path)
  const { bytes } = file
  const signature = await readSignature(bytes, basename(resolved.path))
  const stored = resolved.contract
  const options = parts === undefined ? {} : { contract: parts }
  const { known, unrecognised } = await ask(() => knowModel(resolved, file, options, defaultThreads()))
  // What recognition would say of a file with a contract beside it.
  const found =
    stored === undefined
      ? known
      : (await ask(async () => recognise(signature, resolved.name, parts?.family))).known
  return {
    resolved,
    bytes,
    signature,
    contract: known?.contract,
    contractFrom:
      stored === undefined
        ? 'recognised'
        : resolved.contractPath === undefined
          ? 'catalogue'
          : 'stored beside the model',
    evidence: stored === undefined ? (known?.evidence ?? []) : (found?.evidence ?? []),
    alternatives: found?.alternatives ?? [],
    unrecognised: stored === undefined ? unrecognised : undefined,
    licence: licenceFound(known?.contract, resolved, found),
  }
}

/** What cannot run, or is of no family, can still be looked at. */
async function ask<T>(know: () => Promise<T>): Promise<{ known?: T; unrecognised?: BoxletError }> {
  try {
    return { known: await know() }
  } catch (error) {
    if (error instanceof BoxletError && error.code.startsWith('MODEL_')) {
      return { unrecognised: error }
    }
    throw error
  }
}

function licenceFound(
  contract: Contract | undefined,
  resolved: ResolvedModel,
  found: Pick<KnownModel, 'contract'> | undefined,
): ModelFacts['licence'] {
  if (resolved.licence !== undefined) {
    return { licence: resolved.licence, from: 'the catalogue' }
  }
  if (found?.contract.licence !== undefined) {
    return { licence: found.contract.licence, from: 'the metadata of the file' }
  }
  return contract?.licence === undefined ? undefined : { licence: contract.licence, from: 'the contract' }
}

/** The graph that the runtime gets; TFLite files are converted to it. */
async function graphBytes({ bytes }: ModelFacts): Promise<Uint8Array> {
  if (!isTflite(bytes)) {
    return bytes
  }
  const { tfliteToOnnx } = await import('../../tflite/tflite.ts')
  return tfliteToOnnx(bytes).bytes
}

/** What Boxlet changes in the graph before it runs it, one sentence each. */
export async function preparationOf({ bytes, contract }: ModelFacts): Promise<string[]> {
  if (contract === undefined || isTflite(bytes)) {
    return []
  }
  const { prepareModel } = await import('../../prepare/prepare.ts')
  return prepareModel(bytes, contract)?.edits ?? []
}

/** Multiply-accumulate operations of one run, and the input size that they are counted for. */
export interface ModelWork {
  macs: number
  counted: number
  uncounted: number
  inputs: Record<string, number[]>
}

export async function workOf(facts: ModelFacts): Promise<ModelWork> {
  const { signature, contract } = facts
  const { countWork } = await import('../../onnx/graph/flops.ts')
  if (signature.unconvertible !== undefined) {
    return { macs: 0, counted: 0, uncounted: 0, inputs: {} }
  }
  const inputs = new Map(signature.inputs.map((input) => [input.name, assumedSizes(input, contract)]))
  const work = countWork(await graphBytes(facts), inputs)
  return { ...work, inputs: Object.fromEntries(inputs) }
}

/** Fixed sizes as they are; free ones from the contract for the picture, and 1 for all else. */
function assumedSizes(
  { name, shape = [] }: ModelSignature['inputs'][number],
  contract: Contract | undefined,
): number[] {
  const input = contract?.input.name === name ? contract.input : undefined
  return shape.map((size, axis) => {
    if (typeof size === 'number') {
      return size
    }
    const letter = input?.layout.slice(-shape.length)[axis]
    if (letter === 'H') {
      return input?.size.height ?? 1
    }
    if (letter === 'W') {
      return input?.size.width ?? 1
    }
    return letter === 'C' ? 3 : 1
  })
}
