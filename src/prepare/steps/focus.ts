import { usedBy } from '../../onnx/graph/edit.ts'
import { weightValues } from '../../onnx/graph/weight-values.ts'
import type { OnnxNode } from '../../onnx/model.ts'
import type { NewNode } from '../../onnx/write/encode.ts'
import type { Preparation, PreparationStep } from '../preparation.ts'

/**
 * Turns Focus and the convolution behind it into one convolution: the four half-size pictures of every second
 * pixel, stacked as twelve channels, under a k × k kernel are the picture itself under a 2k × 2k kernel with
 * stride 2. The sums are the same, in another order.
 *
 * source  YOLOX `models/network_blocks.py` Focus; YOLOv5 made the same change in its version 6
 */
export const foldFocus: PreparationStep = (at) => {
  const { model, links, edits, contract } = at
  const pictures = model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name))
  const picture = pictures.find(({ name }) => name === contract.input.name)
  const even = [picture?.shape?.[2], picture?.shape?.[3]].every(
    (size) => typeof size === 'number' && size % 2 === 0,
  )
  if (picture === undefined || picture.shape?.length !== 4 || !even) {
    return undefined
  }
  for (const concat of model.graph.nodes) {
    const focus = concat.op === 'Concat' ? focusOf(at, concat, picture.name) : undefined
    const convolution = focus === undefined ? undefined : onlyConvolution(at, concat)
    if (focus === undefined || convolution === undefined || !isClosed(at, concat, focus.slices)) {
      continue
    }
    const weight = weightValues(model, links, convolution.inputs[1] ?? '')
    const [filters = 0, channels, size, alsoSize] = weight?.dims ?? []
    if (weight === undefined || channels !== 12 || size === undefined || size !== alsoSize) {
      continue
    }
    const name = `${convolution.inputs[1]}.unfocused`
    edits.constants.push({
      name,
      type: 'float32',
      dims: [filters, 3, 2 * size, 2 * size],
      data: unfocus(weight.values, filters, size, focus.offsets),
    })
    edits.unused = focus.slices
    edits.replace.set(convolution, [widened(convolution, picture.name, name, size)])
    return { contract, edit: 'Focus and its convolution are one convolution.' }
  }
  return undefined
}

/** True when nothing but the stack reads its slices, so that they go when it goes. */
function isClosed({ model }: Preparation, concat: OnnxNode, slices: ReadonlySet<OnnxNode>): boolean {
  const inside = new Set([...slices].flatMap(({ outputs }) => outputs))
  return (
    model.graph.outputs.every(({ name }) => !inside.has(name)) &&
    model.graph.nodes.every(
      (node) => node === concat || slices.has(node) || usedBy(node).every((name) => !inside.has(name)),
    )
  )
}

/** Row and column, 0 or 1, at which a half-size picture starts. */
interface Offset {
  y: number
  x: number
}

interface Focus {
  /** Of the four pictures, as they are stacked. */
  offsets: Offset[]
  /** All slices between the picture and the stack. */
  slices: Set<OnnxNode>
}

/** The four pictures that a Concat stacks, or undefined when it is not a Focus. */
function focusOf(at: Preparation, concat: OnnxNode, picture: string): Focus | undefined {
  if (concat.attributes.get('axis')?.int !== 1 || concat.inputs.length !== 4) {
    return undefined
  }
  const offsets: Offset[] = []
  const slices = new Set<OnnxNode>()
  for (const name of concat.inputs) {
    const offset = everySecond(at, name, picture, slices)
    if (offset === undefined) {
      return undefined
    }
    offsets.push(offset)
  }
  const distinct = new Set(offsets.map(({ y, x }) => 2 * y + x))
  return distinct.size === 4 ? { offsets, slices } : undefined
}

/** Follows slices with step 2 from a value back to the picture, and collects them; both axes must be cut once. */
function everySecond(
  { links, folder }: Preparation,
  name: string,
  picture: string,
  slices: Set<OnnxNode>,
): Offset | undefined {
  const starts = new Map<number, number>()
  let from = name
  while (from !== picture) {
    const node = links.producers.get(from)
    if (node?.op !== 'Slice' || node.inputs.length !== 5) {
      return undefined
    }
    slices.add(node)
    const [data = '', ...bounds] = node.inputs
    const [start, end, axes, steps] = bounds.map((bound) => folder.values(bound))
    if (!start || !end || !axes || !steps) {
      return undefined
    }
    for (const [index, axis] of axes.entries()) {
      const first = start[index] ?? -1
      const sound = (axis === 2 || axis === 3) && !starts.has(axis) && (first === 0 || first === 1)
      if (!sound || (end[index] ?? 0) < TO_THE_END || steps[index] !== 2) {
        return undefined
      }
      starts.set(axis, first)
    }
    from = data
  }
  const y = starts.get(2)
  const x = starts.get(3)
  return y === undefined || x === undefined ? undefined : { y, x }
}

/** Exporters write 2^31 − 1 or 2^63 − 1 for "to the end". */
const TO_THE_END = 2 ** 31 - 1

/** The convolution with plain settings that alone reads a value. */
function onlyConvolution({ model }: Preparation, concat: OnnxNode): OnnxNode | undefined {
  const [name = ''] = concat.outputs
  const readers = model.graph.nodes.filter((node) => usedBy(node).includes(name))
  const [node] = readers
  if (readers.length !== 1 || node?.op !== 'Conv' || node.domain !== '' || node.inputs[0] !== name) {
    return undefined
  }
  const ints = (attribute: string) => node.attributes.get(attribute)?.ints
  const ones = (values: number[] | undefined) => values === undefined || values.every((value) => value === 1)
  const plain =
    (node.attributes.get('group')?.int ?? 1) === 1 &&
    ones(ints('dilations')) &&
    (node.attributes.get('auto_pad')?.text ?? 'NOTSET') === 'NOTSET'
  return plain && model.graph.outputs.every((output) => output.name !== name) ? node : undefined
}

function widened(convolution: OnnxNode, picture: string, weight: string, size: number): NewNode {
  const ints = (attribute: string, otherwise: number[]) =>
    (convolution.attributes.get(attribute)?.ints ?? otherwise).map((value) => 2 * value)
  return {
    op: 'Conv',
    inputs: [picture, weight, ...convolution.inputs.slice(2)],
    outputs: convolution.outputs,
    attributes: {
      kernel_shape: [2 * size, 2 * size],
      pads: ints('pads', [0, 0, 0, 0]),
      strides: ints('strides', [1, 1]),
    },
  }
}

/** [filters, 12, size, size] to [filters, 3, 2 · size, 2 · size]. */
function unfocus(
  values: Float32Array,
  filters: number,
  size: number,
  offsets: readonly Offset[],
): Float32Array {
  const wide = 2 * size
  const result = new Float32Array(filters * 3 * wide * wide)
  let at = 0
  for (let filter = 0; filter < filters; filter++) {
    for (const offset of offsets) {
      for (let channel = 0; channel < 3; channel++) {
        for (let row = 0; row < size; row++) {
          for (let column = 0; column < size; column++) {
            const plane = (filter * 3 + channel) * wide
            result[(plane + 2 * row + offset.y) * wide + 2 * column + offset.x] = values[at++] as number
          }
        }
      }
    }
  }
  return result
}
