import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { BoxletError, throwIfAborted } from '../errors.ts'
import type { Family } from '../families/family.ts'
import { checkConcluded } from '../families/guard.ts'
import { labelsFor, type Rival } from '../families/recognise.ts'
import { familyNamed } from '../families/registry.ts'
import type { Contract, Evidence } from '../model/contract.ts'
import type { Labels } from '../model/labels/label-values.ts'
import type { ModelSignature } from '../model/signature.ts'
import { isTflite, readSignature } from '../prepare/read-signature.ts'
import { defaultThreads } from '../runtime/processors.ts'
import { openSession, type Session } from '../runtime/session.ts'
import { type ResolvedModel, resolveModel } from '../store/store.ts'
import { concludeModel } from './conclude.ts'
import { type ModelFile, readModelFile } from './model-file.ts'
import { convertedOnce, preparedGraph, runnable } from './runnable.ts'
import type { ContractParts, LoadOptions, ModelInfo } from './types.ts'

export interface LoadedModel {
  info: ModelInfo
  /** What the session runs: the contract of `info`, or that of an equivalent faster graph. */
  contract: Contract
  family: Family
  session: Session
}

/**
 * From a name or path to a model that runs: find the file, know it, prepare its graph, open a session.
 * A stored contract spares the recognition.
 */
export async function loadModel(model: string, options: LoadOptions): Promise<LoadedModel> {
  throwIfAborted(options.signal)
  const resolved = await resolveModel(model, {
    env: process.env,
    signal: options.signal,
    onProgress: options.onProgress,
    onNotice: options.onNotice,
  })
  const file = await readModelFile(resolved.path)
  throwIfAborted(options.signal)
  const threads = options.threads ?? defaultThreads()
  const { contract, evidence } = await knowModel(resolved, file, options, threads)
  const { session, runs } = await openBest(resolved.path, file, contract, options, threads)
  try {
    throwIfAborted(options.signal)
    checkAgainst(runs, session)
  } catch (error) {
    await session.release()
    throw error
  }
  const info: ModelInfo = {
    name: contract.name,
    family: contract.family,
    sha256: file.isJoined ? hashOf(file.bytes) : resolved.sha256,
    licence: contract.licence?.name ?? null,
    contract,
    evidence,
  }
  return { info, contract: runs, family: familyNamed(runs.family), session }
}

/** Of a model in several files: the graph alone may stay while its weights change. */
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * Opens the equivalent faster graph where there is one. Should the runtime refuse it, the file itself is opened:
 * what runs as it is must not fail for being made faster.
 */
async function openBest(
  path: string,
  file: ModelFile,
  contract: Contract,
  options: LoadOptions,
  threads: number,
): Promise<{ session: Session; runs: Contract }> {
  const graph = await preparedGraph(file.bytes, contract, options.asIs === true)
  if (graph !== undefined) {
    try {
      return { session: await openSession(graph.bytes, { threads }), runs: graph.contract }
    } catch (error) {
      options.onNotice?.(
        `The faster graph could not be opened; the file runs as it is. ${(error as Error).message}`,
      )
    }
  }
  return { session: await openSession(await runnable(path, file), { threads }), runs: contract }
}

export interface KnownModel {
  contract: Contract
  /** Empty when the contract was stored or given whole. */
  evidence: Evidence[]
  /** Other families that could read the file, best first. */
  alternatives: Rival[]
}

/** What a contract has beside `$schema` and `licence`. */
const CONTRACT_PARTS = [
  'version',
  'name',
  'family',
  'task',
  'input',
  'extraInputs',
  'output',
  'labels',
  'thresholds',
  'suppression',
] as const satisfies (keyof Contract)[]

/**
 * A contract with every part says all that there is to know, so the file is not asked: it works for files that no
 * family recognises, too.
 */
async function wholeContract(parts: ContractParts | undefined): Promise<Contract | undefined> {
  if (parts === undefined || !CONTRACT_PARTS.every((part) => Object.hasOwn(parts, part))) {
    return undefined
  }
  const { validateContract } = await import('../model/contract-schema.ts')
  return validateContract(parts)
}

/** The contract: given whole, stored, or recognised and settled by a probe run, with the catalogue's and the user's parts over it. */
export async function knowModel(
  resolved: ResolvedModel,
  file: ModelFile,
  options: LoadOptions,
  threads: number,
): Promise<KnownModel> {
  const parts = await contractParts(options)
  const whole = await wholeContract(parts)
  let contract = whole ?? resolved.contract
  let evidence: Evidence[] = []
  let alternatives: Rival[] = []
  // Bytes proven by the hash of the catalogue need no look; a stored contract says nothing about the file beside it.
  const isProven = resolved.catalogue !== undefined && contract !== undefined
  const signature = isProven ? undefined : await checkedSignature(file.bytes, basename(resolved.path))
  if (contract === undefined && signature !== undefined) {
    const known = await concludeModel(signature, resolved.name, parts?.family, async () => {
      const graph = isTflite(file.bytes) ? (await convertedOnce(file.bytes)).bytes : file.bytes
      const { checkForTrial } = await import('../onnx/check.ts')
      checkForTrial(graph, signature.inputs)
      return openSession(await runnable(resolved.path, file), { threads })
    })
    await checkConcluded(familyNamed(known.contract.family), known.contract)
    ;({ alternatives } = known)
    ;({ contract, evidence } = await withLabelsBeside(known, resolved.labels, options))
    if (contract.licence === undefined && resolved.licence !== undefined) {
      contract = { ...contract, licence: resolved.licence }
    }
  }
  if (contract === undefined) {
    throw new BoxletError('INTERNAL', 'Expected a contract but none was concluded.')
  }
  for (const over of whole === undefined ? [resolved.overrides, parts] : []) {
    if (over === undefined) {
      continue
    }
    const { mergeContract } = await import('../model/contract-merge.ts')
    contract = mergeContract(contract, over)
  }
  const labels = await chosenLabels(options)
  contract = labels === undefined ? contract : withLabels(contract, labels, options)
  contract = signature === undefined ? contract : withChannels(contract, signature)
  return { contract, evidence, alternatives }
}

/** A file of one channel takes brightness alone, whatever order of colours a contract written by hand names. */
function withChannels(contract: Contract, signature: ModelSignature): Contract {
  const { layout, name, colour } = contract.input
  const shape = signature.inputs.find((input) => input.name === name)?.shape
  const channels = shape?.[layout.slice(-shape.length).indexOf('C')]
  return channels === 1 && colour !== 'grey'
    ? { ...contract, input: { ...contract.input, colour: 'grey' } }
    : contract
}

/** What a model says by itself is worth more than a file beside it, and a guess less. */
const TRUSTED_LABELS = 0.9

async function withLabelsBeside(
  known: Known,
  path: string | undefined,
  { onNotice, labels: given }: LoadOptions,
): Promise<Known> {
  const said = known.evidence.find(({ about }) => about === 'labels')
  if (path === undefined || given !== undefined || (said?.confidence ?? 0) >= TRUSTED_LABELS) {
    return known
  }
  const { readLabelFile } = await import('../model/labels/label-file.ts')
  try {
    const labels = labelsFor(known.contract, await readLabelFile(path))
    const evidence: Evidence = {
      about: 'labels',
      conclusion: `${labels.filter((label) => label !== null).length} labels`,
      because: `"${basename(path)}" beside the model lists them`,
      confidence: 0.95,
    }
    return {
      contract: { ...known.contract, labels },
      evidence: known.evidence.map((entry) => (entry === said ? evidence : entry)),
    }
  } catch (error) {
    if (!(error instanceof BoxletError)) {
      throw error
    }
    onNotice?.(`"${basename(path)}" lies beside the model, but its labels are not taken: ${error.message}`)
    return known
  }
}

interface Known {
  contract: Contract
  evidence: Evidence[]
}

/** @throws BoxletError for a file that the runtime must not be given */
async function checkedSignature(bytes: Uint8Array, name: string): Promise<ModelSignature> {
  const signature = isTflite(bytes)
    ? (await convertedOnce(bytes)).signature
    : await readSignature(bytes, name)
  const { checkForRuntime } = await import('../onnx/check.ts')
  checkForRuntime(signature)
  return signature
}

async function contractParts(options: LoadOptions): Promise<ContractParts | undefined> {
  if (typeof options.contract !== 'string') {
    return options.contract
  }
  const text = await readText(options.contract, 'CONTRACT_INVALID', 'contract')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BoxletError(
      'CONTRACT_INVALID',
      `Expected JSON for the contract but "${basename(options.contract)}" is not.`,
      { cause },
    )
  }
}

async function chosenLabels({ labels }: LoadOptions): Promise<Labels | undefined> {
  if (typeof labels !== 'string') {
    return labels === undefined ? undefined : [...labels]
  }
  const { readLabelFile } = await import('../model/labels/label-file.ts')
  return readLabelFile(labels)
}

async function readText(
  path: string,
  code: 'CONTRACT_INVALID' | 'LABELS_INVALID',
  what: string,
): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new BoxletError(code, `Expected a readable ${what} file but "${path}" cannot be read.`, { cause })
  }
}

function withLabels(contract: Contract, labels: Labels, options: LoadOptions): Contract {
  if (contract.family === 'torchvision' && labels[0] !== null) {
    options.onNotice?.(
      'The labels do not begin with a background line, but class ids of torchvision models start at 1. Put "background" first.',
    )
  }
  return { ...contract, labels: labelsFor(contract, labels) }
}

/** A contract may be hand-written: every tensor that it names has to exist. */
function checkAgainst(contract: Contract, session: Session): void {
  const check = (what: string, names: readonly string[], known: readonly { name: string }[]) => {
    for (const name of names) {
      if (known.some((tensor) => tensor.name === name)) {
        continue
      }
      throw new BoxletError(
        'CONTRACT_INVALID',
        `Expected the name of an ${what} of the model but the contract names "${name}".`,
        {
          hint: `The model has ${known.map((tensor) => tensor.name).join(', ')}.`,
        },
      )
    }
  }
  check('input', [contract.input.name, ...contract.extraInputs.map(({ name }) => name)], session.inputs)
  check('output', Object.values(contract.output.roles), session.outputs)
}
