import { BoxletError } from '../../errors.ts'
import type { KnownShapes } from '../../onnx/shapes/shape-values.ts'
import { type ElementType, elementBytes } from '../../onnx/types.ts'
import { toHalf } from '../../system/half.ts'
import {
  addConstant,
  addInts,
  attribute,
  bytesOf,
  type Draft,
  type DraftNode,
  floatsOf,
  freeName,
  int,
  ints,
  node as newNode,
} from '../graph/draft.ts'

export interface Lift {
  draft: Draft
  known: KnownShapes
  /** Operator set that the graph is written for. */
  from: number
}

interface LiftRule {
  ops: readonly string[]
  /** The first operator set in which the new form is needed. */
  before: number
  /** What comes in place of the node; undefined where it is right as it is. */
  lift(node: DraftNode, at: Lift): DraftNode[] | undefined
}

/** Drops attributes and keeps the rest. */
const without = (node: DraftNode, ...names: string[]): DraftNode['attributes'] =>
  Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name)))

/** The node with whole numbers of an attribute as its input at `index`. */
function asInput(node: DraftNode, { draft }: Lift, name: string, index: number): DraftNode[] | undefined {
  const single = int(node, name)
  const values = ints(node, name) ?? (single === undefined ? undefined : [single])
  if (values === undefined) {
    return undefined
  }
  const inputs = [...node.inputs]
  while (inputs.length < index) {
    inputs.push('')
  }
  inputs[index] = addInts(draft, `${node.outputs[0]}.${name}`, values)
  return [{ ...node, inputs, attributes: without(node, name) }]
}

/** The element type of a value, as far as it follows from what the file declares. */
function typeOf(name: string, { draft }: Lift): ElementType {
  const declared = draft.types.get(name) ?? draft.inputs.find((input) => input.name === name)?.type
  return declared ?? draft.constants.get(name)?.type ?? 'float32'
}

/** One number as a constant of the type of a value. */
function scalar(at: Lift, wish: string, value: number, like: string): string {
  const type = typeOf(like, at)
  const bits = new Uint8Array(elementBytes(type))
  const view = new DataView(bits.buffer)
  if (type === 'float32') {
    view.setFloat32(0, value, true)
  } else if (type === 'float16') {
    view.setUint16(0, toHalf(value), true)
  } else if (type === 'float64') {
    view.setFloat64(0, value, true)
  } else if (type === 'int64') {
    view.setBigInt64(0, BigInt(Math.trunc(value)), true)
  } else {
    throw new BoxletError('MODEL_UNSUPPORTED', `Expected floats for "${wish}" but received ${type}.`)
  }
  return addConstant(at.draft, wish, { type, dims: [], data: bits })
}

/** Sizes of old windows: those that lie outside of the picture are cut, as the runtime did. */
const NEAREST = {
  mode: 'nearest',
  nearest_mode: 'floor',
  coordinate_transformation_mode: 'asymmetric',
} as const

function upsample(node: DraftNode, at: Lift): DraftNode[] {
  const scales = attribute(node, 'scales')?.floats
  const mode = attribute(node, 'mode')?.text ?? 'nearest'
  const name =
    scales === undefined
      ? node.inputs[1]!
      : addConstant(at.draft, `${node.outputs[0]}.scales`, {
          type: 'float32',
          dims: [scales.length],
          data: bytesOf(Float32Array.from(scales)),
        })
  const attributes =
    mode === 'nearest' ? NEAREST : { mode: 'linear', coordinate_transformation_mode: 'asymmetric' }
  return [newNode('Resize', [node.inputs[0]!, '', name], node.outputs, attributes)]
}

/** Of operator set 10: two inputs, and the nearest pixel is cut down where the picture grows and rounded up where not. */
function resize(node: DraftNode, at: Lift): DraftNode[] | undefined {
  if (at.from !== 10) {
    return undefined
  }
  const scales = at.draft.constants.get(node.inputs[1] ?? '')
  const shrinks = scales !== undefined && floatsOf(scales).some((factor) => factor < 1)
  const made = upsample({ ...node, attributes: without(node, 'scales') }, at)
  return shrinks && made[0]!.attributes.nearest_mode !== undefined
    ? [{ ...made[0]!, attributes: { ...made[0]!.attributes, nearest_mode: 'ceil' } }]
    : made
}

/**
 * Before operator set 13 all axes from the given one on are one, and the default is 1: only for the last axis is that
 * what it is since.
 */
function softmax(node: DraftNode, { draft, known }: Lift): DraftNode[] {
  const axis = int(node, 'axis') ?? 1
  const [input = ''] = node.inputs
  const rank = known.shapes.get(input)?.length
  const [output = ''] = node.outputs
  if (axis === -1 || (rank !== undefined && axis === rank - 1)) {
    return [{ ...node, attributes: { axis: -1 } }]
  }
  const [shape, flat, shares] = ['shape', 'flat', 'shares'].map((part) =>
    freeName(draft, `${output}.${part}`),
  ) as [string, string, string]
  return [
    newNode('Shape', [input], [shape]),
    newNode('Flatten', [input], [flat], { axis }),
    newNode(node.op, [flat], [shares], { axis: -1 }),
    newNode('Reshape', [shares, shape], [output]),
  ]
}

function clip(node: DraftNode, at: Lift): DraftNode[] {
  const [input = ''] = node.inputs
  const bound = (name: 'min' | 'max') => {
    const value = attribute(node, name)?.float
    // What older exporters write for "no bound".
    return value === undefined || Math.abs(value) > 3.4e38
      ? ''
      : scalar(at, `${node.outputs[0]}.${name}`, value, input)
  }
  const bounds = [bound('min'), bound('max')]
  return [
    {
      ...node,
      inputs: [input, ...bounds.slice(0, bounds[1] !== '' ? 2 : bounds[0] !== '' ? 1 : 0)],
      attributes: {},
    },
  ]
}

function pad(node: DraftNode, at: Lift): DraftNode[] {
  const [input = ''] = node.inputs
  const value = attribute(node, 'value')?.float ?? 0
  const pads = addInts(at.draft, `${node.outputs[0]}.pads`, ints(node, 'pads') ?? [])
  const inputs =
    value === 0 ? [input, pads] : [input, pads, scalar(at, `${node.outputs[0]}.value`, value, input)]
  return [{ ...node, inputs, attributes: without(node, 'pads', 'value') }]
}

function slice(node: DraftNode, at: Lift): DraftNode[] {
  const starts = ints(node, 'starts') ?? []
  const list = (name: string, values: readonly number[]) =>
    addInts(at.draft, `${node.outputs[0]}.${name}`, values)
  const axes = ints(node, 'axes') ?? starts.map((_, axis) => axis)
  const bounds = [list('starts', starts), list('ends', ints(node, 'ends') ?? []), list('axes', axes)]
  return [{ ...node, inputs: [node.inputs[0]!, ...bounds], attributes: {} }]
}

function batchNorm(node: DraftNode): DraftNode[] | undefined {
  // Further outputs are of training; the runtime leaves them empty.
  return [
    {
      ...node,
      outputs: node.outputs.slice(0, 1),
      attributes: without(node, 'spatial', 'is_test', 'consumed_inputs'),
    },
  ]
}

/** What changed between operator sets 7 and 17, of the operators that detectors use. The first rule that fits counts. */
export const LIFT_RULES: readonly LiftRule[] = [
  {
    ops: ['Squeeze', 'Unsqueeze', 'ReduceSum'],
    before: 13,
    lift: (node, at) => asInput(node, at, 'axes', 1),
  },
  { ops: ['Split'], before: 13, lift: (node, at) => asInput(node, at, 'split', 1) },
  { ops: ['TopK'], before: 10, lift: (node, at) => asInput(node, at, 'k', 1) },
  { ops: ['Softmax', 'LogSoftmax', 'Hardmax'], before: 13, lift: softmax },
  { ops: ['Upsample'], before: 11, lift: upsample },
  { ops: ['Resize'], before: 11, lift: resize },
  { ops: ['Clip'], before: 11, lift: clip },
  { ops: ['Pad'], before: 11, lift: pad },
  { ops: ['Slice'], before: 10, lift: slice },
  { ops: ['BatchNormalization'], before: 14, lift: batchNorm },
  {
    ops: ['Dropout'],
    before: 12,
    lift: (node) => [newNode('Identity', node.inputs.slice(0, 1), node.outputs.slice(0, 1))],
  },
  { ops: ['Scatter'], before: 11, lift: (node) => [{ ...node, op: 'ScatterElements' }] },
  {
    ops: ['RoiAlign'],
    before: 16,
    lift: (node) => [
      { ...node, attributes: { ...node.attributes, coordinate_transformation_mode: 'output_half_pixel' } },
    ],
  },
]
