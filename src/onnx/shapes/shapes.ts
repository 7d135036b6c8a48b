import type { Links } from '../graph/links.ts'
import type { OnnxModel, OnnxNode } from '../model.ts'
import { tensorValues } from '../read/values.ts'
import { SHAPE_RULES, type ShapeRule } from './shape-rules.ts'
import { type KnownShapes, numberRule } from './shape-values.ts'

/** Sizes that are computed in the graph are a handful of numbers; longer values are data. */
const MAX_TRACKED_VALUES = 64

/** Files that need more are not sorted at all. */
const MAX_PASSES = 4

/**
 * Shapes of the values of the main graph, as far as they follow from the input sizes.
 *
 * `inputs` gives the sizes to assume for inputs with free axes. What depends on the content of the picture,
 * such as the number of boxes, stays unknown, and so does all that is made from it.
 */
export function inferShapes(
  model: OnnxModel,
  links: Links,
  inputs: ReadonlyMap<string, readonly number[]> = new Map(),
): KnownShapes {
  const known: KnownShapes = { shapes: new Map(), values: new Map() }
  for (const [name, tensor] of links.constants) {
    known.shapes.set(name, tensor.dims)
    if (tensor.elements > MAX_TRACKED_VALUES) {
      continue
    }
    const values = tensorValues(model.bytes, tensor)
    if (values !== undefined) {
      known.values.set(name, values)
    }
  }
  for (const { name, shape } of model.graph.inputs) {
    const sizes = inputs.get(name) ?? (shape?.every((size) => typeof size === 'number') ? shape : undefined)
    if (sizes !== undefined && !known.shapes.has(name)) {
      known.shapes.set(name, [...sizes] as number[])
    }
  }
  // Converters append nodes out of order, which the runtime allows; a second pass then knows more.
  for (let pass = 0, before = -1; pass < MAX_PASSES && known.shapes.size > before; pass++) {
    before = known.shapes.size
    for (const node of model.graph.nodes) {
      inferNode(node, known)
    }
  }
  return known
}

function inferNode(node: OnnxNode, known: KnownShapes): void {
  const [output = ''] = node.outputs
  const values = numberRule(node, known)
  if (values !== undefined && values.length <= MAX_TRACKED_VALUES) {
    known.values.set(output, values)
  }
  const rule: ShapeRule | undefined = SHAPE_RULES.get(node.op)
  const shapes = rule?.(node, {
    shape: (index) => known.shapes.get(node.inputs[index] ?? ''),
    values: (index) => known.values.get(node.inputs[index] ?? ''),
  })
  node.outputs.forEach((name, index) => {
    const shape = shapes?.[index]
    if (name !== '' && shape?.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      known.shapes.set(name, shape)
    }
  })
}
