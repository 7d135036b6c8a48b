import { quantizeRows } from '../compress/rows.ts'
import {
  addConstant,
  bytesOf,
  type Draft,
  type DraftNode,
  floatsOf,
  freeName,
  node as newNode,
} from '../graph/draft.ts'
import { dropUnused, fixedNames, readersOf } from '../graph/rewire.ts'
import type { Scaling } from './ranges.ts'
import { activationsOf, MOVES } from './region.ts'

/**
 * Largest code of a weight. Kernels for x86 without VNNI add two products in 16 bits, which 255 · 127 · 2 overflows and
 * 255 · 64 · 2 does not; with VNNI and on arm64 the seventh bit costs nothing.
 */
const MOST = 64

/** What is written of a graph in whole numbers. */
export interface Quantization {
  /** Nodes that are computed in whole numbers. */
  nodes: ReadonlySet<DraftNode>
  scalings: ReadonlyMap<string, Scaling>
  /** Mean of each channel of what a convolution reads, for the correction of its bias. */
  means: ReadonlyMap<string, Float64Array>
}

/**
 * Puts QuantizeLinear and DequantizeLinear round the nodes, from which the runtime makes operators of whole numbers:
 * unsigned activations, weights of 7 bits and a sign with a scale for each channel, biases of 32 bits. Changes the draft.
 */
export function writeQuantized(draft: Draft, { nodes, scalings, means }: Quantization): void {
  const readers = readersOf(draft)
  const fixed = fixedNames(draft)
  const shared = sharedScalings(draft, nodes, scalings)
  const wrapped = new Map<string, string>()
  const inserted = new Map<DraftNode | undefined, DraftNode[]>()
  const made = new Map<string, DraftNode>(
    draft.nodes.flatMap((one) => one.outputs.map((name) => [name, one] as const)),
  )
  const insert = (after: DraftNode | undefined, ...added: DraftNode[]) => {
    inserted.set(after, [...(inserted.get(after) ?? []), ...added])
  }
  const wrap = (name: string): string => {
    const known = wrapped.get(name)
    if (known !== undefined) {
      return known
    }
    const scaling = shared(name)
    const scale = addScalar(draft, `${name}.scale`, scaling.scale)
    const zero = addConstant(draft, `${name}.zero`, {
      type: 'uint8',
      dims: [],
      data: Uint8Array.of(scaling.zeroPoint),
    })
    const [code, real] = [freeName(draft, `${name}.codes`), freeName(draft, `${name}.real`)]
    insert(
      made.get(name),
      newNode('QuantizeLinear', [name, scale, zero], [code]),
      newNode('DequantizeLinear', [code, scale, zero], [real]),
    )
    wrapped.set(name, real)
    return real
  }
  const joined = withActivation(nodes, readers, fixed)
  for (const one of draft.nodes) {
    if (!nodes.has(one)) {
      continue
    }
    const [input = ''] = one.inputs
    if (one.op === 'Conv') {
      writeWeights(draft, one, shared(input), means.get(input))
    }
    const activations = new Set(activationsOf(one, draft))
    one.inputs = one.inputs.map((name) => (activations.has(name) && !joined.has(name) ? wrap(name) : name))
    for (const name of one.outputs) {
      if (name !== '' && !joined.has(name) && !fixed.has(name) && isRead(name, readers)) {
        wrap(name)
      }
    }
  }
  // Float readers take the same rounded values where the producer rounds them, so that the pair stays whole.
  for (const one of draft.nodes) {
    if (!nodes.has(one)) {
      one.inputs = one.inputs.map((name) =>
        producedInside(made.get(name), nodes) ? (wrapped.get(name) ?? name) : name,
      )
    }
  }
  draft.nodes = [
    ...(inserted.get(undefined) ?? []),
    ...draft.nodes.flatMap((one) => [one, ...(inserted.get(one) ?? [])]),
  ]
  // The float weights are read by nobody now.
  dropUnused(draft)
}

const producedInside = (producer: DraftNode | undefined, nodes: ReadonlySet<DraftNode>): boolean =>
  producer !== undefined && nodes.has(producer)

const isRead = (name: string, readers: ReadonlyMap<string, readonly DraftNode[]>): boolean =>
  (readers.get(name)?.length ?? 0) > 0

/** Values between a convolution and the activation that the runtime puts into it: nothing may stand between them. */
function withActivation(
  nodes: ReadonlySet<DraftNode>,
  readers: ReadonlyMap<string, readonly DraftNode[]>,
  fixed: ReadonlySet<string>,
): Set<string> {
  const joined = new Set<string>()
  for (const one of nodes) {
    const [output = ''] = one.outputs
    const [reader, other] = readers.get(output) ?? []
    const isClamp = reader?.op === 'Relu' || reader?.op === 'Clip'
    if (
      (one.op === 'Conv' || one.op === 'Add') &&
      isClamp &&
      other === undefined &&
      nodes.has(reader) &&
      !fixed.has(output)
    ) {
      joined.add(output)
    }
  }
  return joined
}

/** What moves values as they are gives them at the scale at which it gets them. */
function sharedScalings(
  draft: Draft,
  nodes: ReadonlySet<DraftNode>,
  scalings: ReadonlyMap<string, Scaling>,
): (name: string) => Scaling {
  const from = new Map<string, string>()
  for (const one of draft.nodes) {
    if (nodes.has(one) && MOVES.has(one.op)) {
      const source = from.get(one.inputs[0]!) ?? one.inputs[0]!
      for (const output of one.outputs) {
        from.set(output, source)
      }
    }
  }
  return (name) => scalings.get(from.get(name) ?? name) ?? { scale: 1, zeroPoint: 0 }
}

const addScalar = (draft: Draft, wish: string, value: number): string =>
  addConstant(draft, wish, { type: 'float32', dims: [], data: bytesOf(Float32Array.of(value)) })

/** A bias beyond this many steps would not fit in 32 bits, and its channel gets a coarser scale. */
const MOST_BIAS = 2 ** 30

/** Weights and bias of a convolution as whole numbers. */
function writeWeights(draft: Draft, conv: DraftNode, input: Scaling, means: Float64Array | undefined): void {
  const [data = '', weightName = '', biasName = ''] = conv.inputs
  const weight = draft.constants.get(weightName)!
  const values = floatsOf(weight)
  const outputs = weight.dims[0]!
  const bias = biasName === '' ? new Float32Array(outputs) : floatsOf(draft.constants.get(biasName)!)
  const atLeast = bias.map((value) => Math.abs(value) / (MOST_BIAS * input.scale))
  const { codes, scales } = quantizeRows(values, weight.dims, 0, MOST, atLeast)
  const corrected =
    means === undefined
      ? bias
      : correctBias(bias, values, codes, scales, means, weight.dims[2]! * weight.dims[3]!)
  const base = freeName(draft, `${weightName}.q`)
  const add = (
    part: string,
    type: 'int8' | 'float32' | 'int32',
    dims: readonly number[],
    values: ArrayBufferView,
  ) => addConstant(draft, `${base}.${part}`, { type, dims, data: bytesOf(values) })
  const zeros = add('zeros', 'int8', [outputs], new Int8Array(outputs))
  const weightScale = add('scales', 'float32', [outputs], scales)
  const biasScales = scales.map((scale) => scale * input.scale)
  const biasCodes = Int32Array.from(corrected, (value, at) => Math.round(value / biasScales[at]!))
  const biasScale = add('bias.scales', 'float32', [outputs], biasScales)
  const biasZeros = add('bias.zeros', 'int32', [outputs], new Int32Array(outputs))
  const [real, realBias] = [freeName(draft, `${base}.real`), freeName(draft, `${base}.bias.real`)]
  draft.nodes = draft.nodes.flatMap((one) =>
    one === conv
      ? [
          newNode(
            'DequantizeLinear',
            [add('codes', 'int8', weight.dims, codes), weightScale, zeros],
            [real],
            { axis: 0 },
          ),
          newNode(
            'DequantizeLinear',
            [add('bias', 'int32', [outputs], biasCodes), biasScale, biasZeros],
            [realBias],
            { axis: 0 },
          ),
          one,
        ]
      : [one],
  )
  conv.inputs = [data, real, realBias]
}

/**
 * A bias without what rounded weights add to the mean of each channel. Rounding of a filter does not
 * average to zero over inputs that are all above zero, as those behind an activation are.
 */
export function correctBias(
  bias: Float32Array,
  weights: Float32Array,
  codes: Int8Array,
  scales: Float32Array,
  means: Float64Array,
  kernel: number,
): Float32Array {
  const outputs = bias.length
  const perOutput = weights.length / outputs
  // Of a grouped convolution each filter sees its group alone.
  const perGroup = perOutput / kernel
  const groups = means.length / perGroup
  return bias.map((value, output) => {
    const first = Math.floor((output * groups) / outputs) * perGroup
    let shift = 0
    for (let at = 0; at < perOutput; at++) {
      const index = output * perOutput + at
      shift += (codes[index]! * scales[output]! - weights[index]!) * means[first + Math.floor(at / kernel)]!
    }
    return value - shift
  })
}
