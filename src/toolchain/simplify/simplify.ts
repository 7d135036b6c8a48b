import { BoxletError } from '../../errors.ts'
import type { RgbImage } from '../../image/rgb-image.ts'
import type { Contract } from '../../model/contract.ts'
import { pythonNames } from '../../model/labels/python-names.ts'
import { parseModel } from '../../onnx/read/parse.ts'
import { cutHead, freeModel } from '../../prepare/prepare.ts'
import type { Draft } from '../graph/draft.ts'
import { readDraft } from '../graph/read-draft.ts'
import { sortNodes } from '../graph/rewire.ts'
import { writeDraft } from '../graph/write-draft.ts'
import { type OutputDifference, outputDifference, SAME } from '../measure/difference.ts'
import { foldBatchNorm } from './batch-norm.ts'
import { type Counts, noCounts } from './counts.ts'
import { foldConstants, knownShapes } from './fold.ts'
import { liftOpset } from './lift.ts'
import { fixInput, type InputSize } from './sizes.ts'
import { tidy } from './tidy.ts'

export interface SimplifyOptions {
  /** Size to fix a free input to. */
  input?: InputSize
  batch?: number
  /** Frees the size of the input. */
  dynamic?: boolean
  /** Whether boxes are decoded in the graph; as the file has it by default. */
  boxes?: 'raw' | 'decoded'
  /** Class names for the metadata. */
  labels?: readonly (string | null)[]
  /** Other entries of the metadata. */
  metadata?: Readonly<Record<string, string>>
}

export interface Facts {
  bytes: number
  nodes: number
  constants: number
  /** Of the graph, initializers that are listed as such included. */
  inputs: number
  opset: number
}

export interface Simplified {
  bytes: Uint8Array
  before: Facts
  after: Facts
  counts: Counts
  /** What was done beside the passes, and what could not be. */
  notes: string[]
  differences: OutputDifference[]
}

/** Each round folds what the one before uncovered; exporters nest sizes three or four deep. */
const MAX_ROUNDS = 8

/**
 * The same network in fewer and newer operators, compared with the file on pictures.
 *
 * @throws BoxletError USAGE for wishes that the file does not permit, MODEL_OUTPUT when outputs differ by more than
 * `SAME`, and all that reading and running throws
 */
export async function simplifyModel(
  bytes: Uint8Array,
  contract: Contract,
  options: SimplifyOptions,
  pictures: readonly RgbImage[],
): Promise<Simplified> {
  const counts = noCounts()
  const notes: string[] = []
  const draft = readDraft(bytes)
  counts.folded = parseModel(bytes).graph.nodes.length - draft.nodes.length
  const size = (options.dynamic === true ? undefined : options.input) ?? contract.input.size
  await applyPasses(draft, contract, options, counts, notes)
  let after = writeDraft(draft)
  if (options.dynamic === true || options.boxes === 'raw') {
    after = await reshaped(after, contract, options, notes)
  }
  const differences = await outputDifference(
    writeDraft(readDraft(bytes), readDraft(after).outputs),
    after,
    { ...contract, input: { ...withoutDynamic(contract.input), size } },
    pictures,
  )
  checkDifferences(differences)
  return { bytes: after, before: factsOf(bytes), after: factsOf(after), counts, notes, differences }
}

const withoutDynamic = ({ dynamic: _, ...input }: Contract['input']): Contract['input'] => input

/** All passes in the order in which each finds what it needs. */
export async function applyPasses(
  draft: Draft,
  contract: Contract,
  options: Pick<SimplifyOptions, 'input' | 'batch' | 'dynamic' | 'labels' | 'metadata'> = {},
  counts: Counts = noCounts(),
  notes: string[] = [],
): Promise<void> {
  sortNodes(draft)
  const axes = axesOf(contract)
  const sizeNow = options.dynamic === true ? undefined : options.input
  if (sizeNow !== undefined || options.batch !== undefined) {
    fixInput(draft, contract.input.name, axes, sizeNow, options.batch)
  }
  const stays = liftOpset(draft, knownShapes(draft), counts)
  if (stays !== undefined) {
    notes.push(stays)
  }
  for (let round = 0, nodes = -1; round < MAX_ROUNDS && nodes !== draft.nodes.length; round++) {
    nodes = draft.nodes.length
    tidy(draft, counts)
    await foldConstants(draft, counts)
    foldBatchNorm(draft, counts)
  }
  tidy(draft, counts)
  if (options.labels !== undefined) {
    draft.metadata.set('names', pythonNames(options.labels))
  }
  for (const [key, value] of Object.entries(options.metadata ?? {})) {
    draft.metadata.set(key, value)
  }
}

function axesOf({ input }: Contract): { batch: number; height: number; width: number } {
  const at = (letter: string) => input.layout.indexOf(letter)
  if (at('N') < 0) {
    return { batch: -1, height: at('H'), width: at('W') }
  }
  return { batch: at('N'), height: at('H'), width: at('W') }
}

/** Cuts the head or frees the size, then fixes the size that was asked for. */
async function reshaped(
  bytes: Uint8Array,
  contract: Contract,
  { dynamic, boxes, input }: SimplifyOptions,
  notes: string[],
): Promise<Uint8Array> {
  const made = boxes === 'raw' ? cutHead(bytes, contract) : freeModel(bytes, contract)
  const isFree = made?.contract.input.dynamic !== undefined
  if (made === undefined || made.edits.length === 0 || (dynamic === true && !isFree)) {
    throw new BoxletError(
      'USAGE',
      boxes === 'raw'
        ? `Expected a YOLOv8-style head that is decoded in the graph for --boxes raw but "${contract.name}" has none.`
        : `Expected a network that takes any size for --dynamic but the size of "${contract.name}" is written into it.`,
      { hint: 'Export the model again in the form that is wanted.' },
    )
  }
  if (dynamic === true && boxes === 'decoded' && made.contract.family !== contract.family) {
    throw new BoxletError(
      'USAGE',
      'Expected --boxes raw with --dynamic, as the decoding of this file holds the size.',
    )
  }
  notes.push(...made.edits.map((edit) => edit.replace(/\.$/, '')))
  const draft = readDraft(made.bytes)
  if (dynamic !== true && isFree) {
    fixInput(draft, contract.input.name, axesOf(contract), input ?? contract.input.size, undefined)
  } else if (input !== undefined) {
    notes.push(`--input ${input.height}x${input.width} is not needed, as the size is free`)
  }
  const counts = noCounts()
  tidy(draft, counts)
  if (dynamic !== true) {
    await foldConstants(draft, counts)
    tidy(draft, counts)
  }
  return writeDraft(draft)
}

function checkDifferences(differences: readonly OutputDifference[]): void {
  const worst = differences.toSorted((a, b) => b.largest - a.largest)[0]
  if (worst === undefined || worst.largest <= SAME) {
    return
  }
  throw new BoxletError(
    'MODEL_OUTPUT',
    `Expected the same outputs after simplification but "${worst.output}" differs by ${worst.largest.toPrecision(2)}, above ${SAME}.`,
    { hint: 'Nothing was written. The network may sum in an order that matters; leave it as it is.' },
  )
}

function factsOf(bytes: Uint8Array): Facts {
  const { graph, opsets } = parseModel(bytes)
  return {
    bytes: bytes.length,
    nodes: graph.nodes.length,
    constants: graph.initializers.size,
    inputs: graph.inputs.length,
    opset: opsets.get('ai.onnx') ?? 0,
  }
}
