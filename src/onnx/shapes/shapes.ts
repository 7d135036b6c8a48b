import type { Links } from '../graph/links.ts'
import { MAX_ELEMENTS, MAX_RANK, MAX_SHAPE_STEPS, MAX_SIZE_LIST } from '../limits.ts'
import type { OnnxModel, OnnxNode } from '../model.ts'
import { tensorValues } from '../read/values.ts'
import { SHAPE_RULES, type ShapeRule } from './shape-rules.ts'
import { type KnownShapes, numberRule } from './shape-values.ts'

/** Files that need more are not sorted at all. */
const MAX_PASSES = 4

/**
 * Shapes of the values of the main graph, as far as they follow from the input sizes.
 *
 * `inputs` gives the sizes to assume for inputs with free axes. What depends on the content of the picture,
 * such as the number of boxes, stays unknown, and so does all that is made from it. Ranks, sizes and the work for
 * them are bounded by `limits.ts`, whatever the file says; what is beyond stays unknown.
 */
export function inferShapes(
  model: OnnxModel,
  links: Links,
  inputs: ReadonlyMap<string, readonly number[]> = new Map(),
): KnownShapes {
  const known: KnownShapes = { shapes: new Map(), values: new Map(), largest: { name: '', elements: 0 } }
  for (const [name, tensor] of links.constants) {
    known.shapes.set(name, tensor.dims)
    if (tensor.elements > MAX_SIZE_LIST) {
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
  const budget = { steps: 0 }
  // Converters append nodes out of order, which the runtime allows; a second pass then knows more.
  for (let pass = 0, before = -1; pass < MAX_PASSES && known.shapes.size > before; pass++) {
    before = known.shapes.size
    for (const node of model.graph.nodes) {
      if (budget.steps > MAX_SHAPE_STEPS) {
        return known
      }
      inferNode(node, known, budget)
    }
  }
  return known
}

function inferNode(node: OnnxNode, known: KnownShapes, budget: { steps: number }): void {
  budget.steps += node.inputs.length + node.outputs.length
  const [output = ''] = node.outputs
  const values = numberRule(node, known)
  if (values !== undefined && values.length <= MAX_SIZE_LIST) {
    known.values.set(output, values)
  }
  const rule: ShapeRule | undefined = SHAPE_RULES.get(node.op)
  const shapes =
    rule === undefined || hasLongList(node)
      ? undefined
      : rule(node, {
          shape: (index) => {
            const shape = known.shapes.get(node.inputs[index] ?? '')
            budget.steps += shape?.length ?? 0
            return shape
          },
          values: (index) => known.values.get(node.inputs[index] ?? ''),
        })
  node.outputs.forEach((name, index) => {
    const shape = shapes?.[index]
    if (name === '' || shape === undefined || !isShape(shape)) {
      return
    }
    budget.steps += shape.length
    const elements = shape.reduce((product, size) => product * size, 1)
    if (elements > known.largest.elements) {
      known.largest = { name, elements }
    }
    if (elements <= MAX_ELEMENTS) {
      known.shapes.set(name, shape)
    }
  })
}

const isShape = (shape: readonly number[]): boolean =>
  shape.length <= MAX_RANK && shape.every((size) => Number.isSafeInteger(size) && size >= 0)

/** Rules are written for a number an axis or two; some take the square of what they are given. */
function hasLongList(node: OnnxNode): boolean {
  for (const { ints, floats } of node.attributes.values()) {
    if ((ints?.length ?? 0) > MAX_SIZE_LIST || (floats?.length ?? 0) > MAX_SIZE_LIST) {
      return true
    }
  }
  return false
}
