import type { Contract } from '../model/contract.ts'
import { type GraphEdits, writeEdited } from '../onnx/graph/edit.ts'
import { Folder } from '../onnx/graph/fold.ts'
import { linkGraph } from '../onnx/graph/links.ts'
import { parseModel } from '../onnx/read/parse.ts'
import type { Preparation, PreparationStep } from './preparation.ts'
import { foldFocus } from './steps/focus.ts'
import { freeNominalSize } from './steps/nominal-size.ts'
import { takePixels } from './steps/pixels.ts'
import { takeQuantizedPixels } from './steps/quantized-pixels.ts'
import { cutYolov8Head } from './steps/yolov8.ts'
import { freeYoloxSize } from './steps/yolox.ts'

export interface PreparedModel {
  bytes: Uint8Array
  /** Of the prepared graph; differs from the given one where a step moved out of the graph or sizes became free. */
  contract: Contract
  /** What was done, one sentence each. */
  edits: string[]
}

/** What a file needs to run at all. */
const NEEDED: readonly PreparationStep[] = [freeNominalSize]
const STEPS: readonly PreparationStep[] = [
  ...NEEDED,
  cutYolov8Head,
  freeYoloxSize,
  foldFocus,
  takePixels,
  takeQuantizedPixels,
]

/**
 * An ONNX graph that gives the same detections in less time, or undefined when there is nothing to gain that
 * is certain. Every step follows the graph node by node and leaves it alone at the first that is not exactly
 * as known. Takes a few milliseconds and one copy of the file.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT as `readOnnx`
 */
export function prepareModel(bytes: Uint8Array, contract: Contract): PreparedModel | undefined {
  return applySteps(bytes, contract, STEPS)
}

/**
 * The same with nothing but what the file cannot run without: for those who want the outputs as they are.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT as `readOnnx`
 */
export function prepareNeeded(bytes: Uint8Array, contract: Contract): PreparedModel | undefined {
  return contract.input.dynamic === undefined ? undefined : applySteps(bytes, contract, NEEDED)
}

/**
 * The same file with an input of any size where nothing holds it to its own, and with boxes decoded outside the
 * graph where that is what holds it. Floats and their order stay.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT as `readOnnx`
 */
export const freeModel = (bytes: Uint8Array, contract: Contract): PreparedModel | undefined =>
  applySteps(bytes, contract, [freeNominalSize, cutYolov8Head, freeYoloxSize])

/**
 * The same file with boxes decoded outside the graph, where its head is known arithmetic.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT as `readOnnx`
 */
export const cutHead = (bytes: Uint8Array, contract: Contract): PreparedModel | undefined =>
  applySteps(bytes, contract, [cutYolov8Head])

/**
 * The same file with one convolution for Focus: what a quantized first layer needs to take pixels as they are.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT as `readOnnx`
 */
export const withoutFocus = (bytes: Uint8Array, contract: Contract): PreparedModel | undefined =>
  applySteps(bytes, contract, [foldFocus])

function applySteps(
  bytes: Uint8Array,
  contract: Contract,
  steps: readonly PreparationStep[],
): PreparedModel | undefined {
  const model = parseModel(bytes)
  const links = linkGraph(model)
  const edits: GraphEdits = { replace: new Map(), constants: [] }
  const done: string[] = []
  if (steps !== NEEDED && model.graph.inputs.some(({ name }) => model.graph.initializers.has(name))) {
    done.push('Weights are no longer listed as inputs, so that the runtime folds and fuses them.')
  }
  const at: Preparation = { model, links, folder: new Folder(model, links), contract, edits }
  for (const step of steps) {
    const result = step(at)
    if (result === undefined) {
      continue
    }
    at.contract = result.contract
    done.push(result.edit)
  }
  if (done.length === 0) {
    return undefined
  }
  return { bytes: writeEdited(model, edits), contract: at.contract, edits: done }
}
