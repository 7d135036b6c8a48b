import { BoxletError } from '../errors.ts'
import type { ModelSignature, TensorInfo } from '../model/signature.ts'
import { type Links, linkGraph } from './graph/links.ts'
import { MAX_ELEMENTS, MAX_TRIAL_ELEMENTS, MAX_TRIAL_INPUT, MAX_TRIAL_NODES } from './limits.ts'
import { parseModel } from './read/parse.ts'
import { inferShapes } from './shapes/shapes.ts'

/** Operator domains that onnxruntime-node has kernels for. */
const RUNTIME_DOMAINS = new Set([
  'ai.onnx',
  'ai.onnx.ml',
  'com.microsoft',
  'com.microsoft.nchwc',
  'ai.onnx.preview',
])

/** Newest operator set of ai.onnx that onnxruntime-node 1.30 takes. */
const NEWEST_OPSET = 26

/**
 * Keeps from the runtime what it would answer with a riddle, or with the end of the process. It survives
 * damaged files: of 4,000 with flipped bits and lost ends, loaded and run by onnxruntime-node 1.30 (`scripts/fuzz-runtime.js`),
 * none ended the process. What no check sees is a model that runs for ever or asks for more memory than there
 * is while it runs; models are programs, so run those of strangers in a process of their own.
 *
 * @throws BoxletError MODEL_CORRUPT without outputs, MODEL_LIMIT for sizes, MODEL_UNSUPPORTED for operators and types
 */
export function checkForRuntime(signature: ModelSignature): void {
  if (signature.unconvertible !== undefined) {
    const { message, ...options } = signature.unconvertible
    throw new BoxletError('MODEL_UNSUPPORTED', message, options)
  }
  if (signature.outputs.length === 0) {
    throw new BoxletError('MODEL_CORRUPT', 'Expected a model with outputs but received one that gives none.')
  }
  for (const tensor of [...signature.inputs, ...signature.outputs]) {
    checkSize(tensor)
  }
  for (const { name, type } of signature.inputs) {
    if (type !== 'string' && type !== 'other') {
      continue
    }
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected tensors of numbers for the inputs of the model but received "${name}", which is none.`,
    )
  }
  checkOperators(signature)
}

/** The runtime asks the system for what a model declares, and one that promises more than it has ends the process. */
function checkSize({ name, shape }: TensorInfo): void {
  const elements = (shape ?? []).reduce<number>(
    (product, size) => product * (typeof size === 'number' ? size : 1),
    1,
  )
  if (elements <= MAX_ELEMENTS) {
    return
  }
  throw new BoxletError(
    'MODEL_LIMIT',
    `Expected at most ${MAX_ELEMENTS} values in "${name}" but received a shape of ${elements}.`,
  )
}

/**
 * Keeps a file from being run only to learn what it is where it says itself that the run takes more memory than that
 * is worth: constants and sizes that fold to gigabytes. Free axes count as a picture of usual size.
 *
 * @throws BoxletError MODEL_LIMIT, and as `readOnnx`
 */
export function checkForTrial(bytes: Uint8Array, inputs: readonly TensorInfo[]): void {
  const model = parseModel(bytes)
  const sizes = inputs.map(({ name, shape }): [string, number[]] => [name, usualShape(shape ?? [])])
  const links = linkGraph(model)
  const { largest, values } = inferShapes(model, links, new Map(sizes))
  checkPads(links, values)
  const fed = sizes.map(([name, shape]) => ({
    name,
    elements: shape.reduce((product, size) => product * size, 1),
  }))
  const working = links.nodes.filter(({ op }) => op !== 'Constant').length
  if (working > MAX_TRIAL_NODES) {
    throw tooLargeToTry(`${MAX_TRIAL_NODES} nodes`, `${working}`)
  }
  const limits = [
    { ...largest, most: MAX_TRIAL_ELEMENTS },
    ...fed.map((input) => ({ ...input, most: MAX_TRIAL_INPUT })),
  ]
  const excess = limits.find(({ elements, most }) => elements > most)
  if (excess === undefined) {
    return
  }
  throw tooLargeToTry(`${excess.most} values in "${excess.name}"`, `${excess.elements}`)
}

/** The runtime adds pads to sizes as they are, and ends the process where the sum is no size any more. */
function checkPads({ nodes, constants }: Links, values: ReadonlyMap<string, readonly number[]>): void {
  for (const { op, inputs, attributes } of nodes) {
    if (op !== 'Pad') {
      continue
    }
    const name = inputs[1] ?? ''
    const pads = attributes.get('pads')?.ints ?? values.get(name)
    // Constants that are no numbers here are beyond 2^53.
    if (pads === undefined ? constants.has(name) : pads.some((size) => Math.abs(size) > MAX_TRIAL_ELEMENTS)) {
      throw tooLargeToTry(`${MAX_TRIAL_ELEMENTS} values of padding`, 'more')
    }
  }
}

const tooLargeToTry = (most: string, received: string): BoxletError =>
  new BoxletError(
    'MODEL_LIMIT',
    `Expected at most ${most} for a run that shows what the model is but received ${received}.`,
    { hint: 'Describe the model in a contract and give it with --contract, which spares the run.' },
  )

/** Edge of a picture where the file leaves it open, and its channels. */
const USUAL_EDGE = 640
const USUAL_CHANNELS = 3

/** One picture of usual size, in whichever order its axes come: with all of them open the channels come first. */
function usualShape(shape: NonNullable<TensorInfo['shape']>): number[] {
  const open = shape.flatMap((size, axis) => (axis > 0 && typeof size !== 'number' ? [axis] : []))
  const channels = shape.length === 4 && open.length === 3 ? 1 : undefined
  return shape.map((size, axis) =>
    typeof size === 'number' ? size : axis === 0 ? 1 : axis === channels ? USUAL_CHANNELS : USUAL_EDGE,
  )
}

function checkOperators({ ops, opsets, functions = [] }: ModelSignature): void {
  const known = new Set(functions)
  const foreign = Object.keys(ops).find((op) => {
    const colon = op.lastIndexOf(':')
    return colon > 0 && !RUNTIME_DOMAINS.has(op.slice(0, colon)) && !known.has(op)
  })
  if (foreign !== undefined) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected operators that ONNX Runtime has but received "${foreign}".`,
      { hint: 'It belongs to another runtime, such as TensorRT. Export the model for ONNX Runtime.' },
    )
  }
  const opset = opsets['ai.onnx'] ?? 0
  if (opset <= NEWEST_OPSET) {
    return
  }
  throw new BoxletError(
    'MODEL_UNSUPPORTED',
    `Expected operator set ${NEWEST_OPSET} or older but received ${opset}.`,
    { hint: `Export the model again with opset_version=17.` },
  )
}
