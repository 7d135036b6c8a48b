import { BoxletError } from '../../errors.ts'
import type { OnnxAttribute, OnnxNode } from '../../onnx/model.ts'
import { tensorValues } from '../../onnx/read/values.ts'
import { inferShapes } from '../../onnx/shapes/shapes.ts'
import type { Attribute } from '../../onnx/write/encode.ts'
import { type Graph, type GraphNode, ints } from '../graph/graph.ts'
import type { Level } from '../loss/grid.ts'
import type { LevelOutputs } from '../loss/predictions.ts'
import type { Base } from './base.ts'
import { weightValues } from './weights.ts'

/** Values that a network learns, in the order of its layers. */
export interface Parameter {
  name: string
  dims: readonly number[]
  /** Of the base; for layers with new classes, of the new head. */
  initial: Float32Array
  /** One of the last layers, which learn faster: those of the classes start from nothing. */
  isHead: boolean
}

/** The base up to its prediction layers, for pictures of one size and a number of classes. */
export interface Network {
  size: number
  classes: number
  levels: Level[]
  outputs: LevelOutputs[]
  /** Nodes in the order in which they may run. */
  nodes: GraphNode[]
  shapes: ReadonlyMap<string, readonly number[]>
  constants: ReadonlyMap<string, { dims: readonly number[]; data: Float32Array | BigInt64Array }>
  /** Weights and biases of all convolutions, first layer first. */
  parameters: Parameter[]
  image: string
}

/**
 * Takes the part of the base that learns out of its file: all nodes from the picture to the prediction layers.
 *
 * @param newHead weights and biases of the class layers, by the name of the value they replace
 */
export function readNetwork(
  base: Base,
  size: number,
  classes: number,
  newHead: ReadonlyMap<string, { dims: readonly number[]; data: Float32Array }>,
): Network {
  const { model, links, heads } = base
  const image = base.contract.input.name
  const known = inferShapes(model, links, new Map([[image, [1, 3, size, size]]]))
  const shapes = new Map<string, readonly number[]>(known.shapes)
  const outputs = heads.map(({ box, objectness, classes: layer }) => ({
    box: box.outputs[0]!,
    objectness: objectness.outputs[0]!,
    classes: layer.outputs[0]!,
  }))
  const levels = outputs.map((output, at) => {
    const [, , height, width] = shapes.get(output.box) ?? []
    if (height === undefined || width === undefined) {
      throw new BoxletError(
        'MODEL_UNSUPPORTED',
        'Expected a base whose sizes follow from its input but they do not.',
      )
    }
    shapes.set(output.classes, [1, classes, height, width])
    return { width, height, stride: base.strides[at]! }
  })
  const nodes = neededNodes(
    base,
    outputs.flatMap((level) => Object.values(level)),
  )
  const headLayers = new Set(heads.flatMap(({ box, objectness, classes: layer }) => [box, objectness, layer]))
  const parameters: Parameter[] = []
  const constants = new Map<string, { dims: readonly number[]; data: Float32Array | BigInt64Array }>()
  for (const node of nodes) {
    for (const [at, name] of node.inputs.entries()) {
      const tensor = links.constants.get(name)
      if (tensor === undefined || constants.has(name)) {
        continue
      }
      const fresh = newHead.get(name)
      if (tensor.type === 'int64') {
        const values = tensorValues(model.bytes, tensor) ?? []
        constants.set(name, { dims: tensor.dims, data: BigInt64Array.from(values, wholeNumber) })
        continue
      }
      const data = fresh?.data ?? weightValues(model, tensor)
      const dims = fresh?.dims ?? tensor.dims
      constants.set(name, { dims, data })
      shapes.set(name, dims)
      if (node.op === 'Conv' && at > 0) {
        parameters.push({ name, dims, initial: data, isHead: headLayers.has(node) })
      }
    }
  }
  return {
    size,
    classes,
    levels,
    outputs,
    nodes: cascadePools(nodes.map(convert), shapes),
    shapes,
    constants,
    parameters,
    image,
  }
}

/** Exporters write "to the end" as the largest int64, which is no number of JavaScript. */
const wholeNumber = (value: number): bigint =>
  BigInt(Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value)))

/** Nodes that the values depend on, in the order of the file, Constant nodes left out. */
function neededNodes({ model, links }: Base, values: readonly string[]): OnnxNode[] {
  const needed = new Set<OnnxNode>()
  const open = [...values]
  while (open.length > 0) {
    const node = links.producers.get(open.pop()!)
    if (node !== undefined && !needed.has(node)) {
      needed.add(node)
      open.push(...node.inputs)
    }
  }
  return model.graph.nodes.filter((node) => needed.has(node) && node.op !== 'Constant')
}

/** Attributes that say nothing here: defaults and those of other modes. */
const IDLE_ATTRIBUTES = new Set(['cubic_coeff_a', 'extrapolation_value', 'exclude_outside'])

function convert({ op, inputs, outputs, attributes }: OnnxNode): GraphNode {
  const converted: Record<string, Attribute> = {}
  for (const [name, value] of attributes) {
    const attribute = convertAttribute(value)
    if (attribute !== undefined && !IDLE_ATTRIBUTES.has(name)) {
      converted[name] = attribute
    }
  }
  return { op, inputs: [...inputs], outputs: [...outputs], attributes: converted }
}

function convertAttribute({ int, ints: list, text, float }: OnnxAttribute): Attribute | undefined {
  if (float !== undefined) {
    return { float }
  }
  return int ?? list ?? text
}

/**
 * Pools of growing windows over one value, as the spatial pyramid of YOLOX has them (5, 9, 13), become a chain of
 * pools of the difference: the largest of a 9-window is the largest of the 5-windows of a 5-window. Same results,
 * and small windows are faster forward and backward.
 *
 * source  He, Zhang, Ren, Sun: Spatial Pyramid Pooling (2014); the chain as in YOLOv5's SPPF
 */
function cascadePools(
  nodes: readonly GraphNode[],
  shapes: ReadonlyMap<string, readonly number[]>,
): GraphNode[] {
  const pools = new Map<string, GraphNode[]>()
  for (const node of nodes.filter(isSamePool)) {
    pools.set(node.inputs[0]!, [...(pools.get(node.inputs[0]!) ?? []), node])
  }
  const replaced = new Map<GraphNode, GraphNode>()
  for (const group of pools.values()) {
    const ordered = group.toSorted((a, b) => windowOf(a) - windowOf(b))
    for (const [at, node] of ordered.entries()) {
      const previous = ordered[at - 1]
      if (previous === undefined || windowOf(previous) === windowOf(node)) {
        continue
      }
      const window = windowOf(node) - windowOf(previous) + 1
      const pad = (window - 1) / 2
      replaced.set(node, {
        ...node,
        inputs: [previous.outputs[0]!],
        attributes: { kernel_shape: [window, window], strides: [1, 1], pads: [pad, pad, pad, pad] },
      })
    }
  }
  return sorted(
    nodes.map((node) => replaced.get(node) ?? node),
    shapes,
  )
}

const windowOf = (node: GraphNode): number => ints(node, 'kernel_shape', [])[0] ?? 0

/** A square pool that moves by single pixels and keeps the size. */
function isSamePool(node: GraphNode): boolean {
  const [height, width] = ints(node, 'kernel_shape', [])
  const pads = ints(node, 'pads', [0, 0, 0, 0])
  return (
    node.op === 'MaxPool' &&
    height === width &&
    height! % 2 === 1 &&
    ints(node, 'strides', [1, 1]).every((by) => by === 1) &&
    pads.every((pad) => pad === (height! - 1) / 2)
  )
}

/** A chain may need its links in another order than the file has them. */
function sorted(nodes: readonly GraphNode[], shapes: ReadonlyMap<string, readonly number[]>): GraphNode[] {
  const made = new Set(nodes.flatMap(({ outputs }) => outputs))
  const done = new Set<string>([...shapes.keys()].filter((name) => !made.has(name)))
  const result: GraphNode[] = []
  let open = [...nodes]
  while (open.length > 0) {
    const waiting: GraphNode[] = []
    for (const node of open) {
      if (node.inputs.every((name) => name === '' || done.has(name) || !made.has(name))) {
        result.push(node)
        for (const name of node.outputs) {
          done.add(name)
        }
      } else {
        waiting.push(node)
      }
    }
    if (waiting.length === open.length) {
      throw new BoxletError('MODEL_CORRUPT', 'Expected a graph without circles but received one.')
    }
    open = waiting
  }
  return result
}

/** Adds the nodes and all constants but those named, which the caller provides under the same names. */
export function addNetwork(graph: Graph, network: Network, without: ReadonlySet<string>): GraphNode[] {
  for (const [name, shape] of network.shapes) {
    graph.shapes.set(name, shape)
  }
  for (const [name, constant] of network.constants) {
    if (!without.has(name)) {
      graph.constant(name, constant)
    }
  }
  const added = network.nodes.map((node) => ({ ...node, outputs: [...node.outputs] }))
  for (const node of added) {
    graph.add(node)
  }
  return added
}
