import { linkGraph } from '../../onnx/graph/links.ts'
import type { KnownShapes } from '../../onnx/shapes/shape-values.ts'
import { inferShapes } from '../../onnx/shapes/shapes.ts'
import { type ElementType, elementBytes } from '../../onnx/types.ts'
import { writeModel } from '../../onnx/write/write-model.ts'
import { openSession } from '../../runtime/session.ts'
import { bytesOf, type Draft, type DraftNode, elementsOf, hasBody, int, int64Bytes } from '../graph/draft.ts'
import { viewDraft } from '../graph/write-draft.ts'
import type { Counts } from './counts.ts'

/** Values of one constant that folding makes: the grid of an input of 4,096 pixels with four numbers a cell. */
const MAX_FOLDED_ELEMENTS = 2 ** 21
/** Bytes that folding may add to a file in all. */
const MAX_FOLDED_BYTES = 64 * 2 ** 20
/** What a node of unknown output size may read to be folded: chains of sizes, not tables. */
const MAX_BLIND_ELEMENTS = 4_096

/**
 * Give other values each time, or grow without an input that says how far; or are pairs that the runtime turns into
 * whole-number arithmetic, for which it needs those of weights and biases, too.
 */
const NEVER =
  /^(Random|Multinomial|Bernoulli|QuantizeLinear$|DequantizeLinear$|Constant$|If$|Loop$|Scan$|Optional|Sequence|NonMaxSuppression$|.*:)/
/** Give more than they read, by what an input says. */
const GROWING = new Set([
  'Expand',
  'Tile',
  'ConstantOfShape',
  'Range',
  'Resize',
  'Upsample',
  'Pad',
  'OneHot',
  'EyeLike',
  'GatherND',
  'Gather',
  'TopK',
  'Einsum',
  'MatMul',
  'Gemm',
  'Conv',
  'ConvTranspose',
])
/** A weight; smaller ones are sizes. A Cast makes one that is stored small into one of full size. */
const LEAST_WEIGHT = 1_024

/**
 * Computes what depends on constants alone, with ONNX Runtime itself so that every operator means what it means
 * there. Sizes that follow from the input size count as constants. What is stored in fewer bits stays so.
 *
 * @throws BoxletError MODEL_RUN_FAILED when the runtime refuses a part
 */
export async function foldConstants(draft: Draft, counts: Counts): Promise<void> {
  const known = knownShapes(draft)
  counts.folded += placeShapes(draft, known)
  const chosen = foldable(draft, known)
  if (chosen.length === 0) {
    return
  }
  const inside = new Set(chosen.flatMap(({ outputs }) => outputs))
  const chosenNodes = new Set(chosen)
  const wanted = new Set<string>(draft.outputs.map(({ name }) => name).filter((name) => inside.has(name)))
  for (const node of draft.nodes) {
    if (!chosenNodes.has(node)) {
      for (const name of [...node.inputs, ...node.captures]) {
        if (inside.has(name)) {
          wanted.add(name)
        }
      }
    }
  }
  for (const [name, tensor] of await evaluate(draft, chosen, [...wanted])) {
    draft.constants.set(name, tensor)
  }
  draft.nodes = draft.nodes.filter((node) => !chosenNodes.has(node))
  counts.folded += chosen.length
}

export function knownShapes(draft: Draft): KnownShapes {
  const view = viewDraft(draft)
  return inferShapes(view, linkGraph(view))
}

/** `Shape` and `Size` of what is known, as constants. */
function placeShapes(draft: Draft, { shapes }: KnownShapes): number {
  const before = draft.nodes.length
  draft.nodes = draft.nodes.filter((node) => {
    const shape = shapes.get(node.inputs[0] ?? '')
    if ((node.op !== 'Shape' && node.op !== 'Size') || shape === undefined) {
      return true
    }
    const name = node.outputs[0]!
    const part =
      node.op === 'Size'
        ? [shape.reduce((a, b) => a * b, 1)]
        : shape.slice(int(node, 'start') ?? 0, int(node, 'end'))
    draft.constants.set(name, {
      name,
      type: 'int64',
      dims: node.op === 'Size' ? [] : [part.length],
      data: int64Bytes(part),
    })
    return false
  })
  return before - draft.nodes.length
}

function foldable(draft: Draft, known: KnownShapes): DraftNode[] {
  const chosen: DraftNode[] = []
  const sizes = new Map([...draft.constants.values()].map((tensor) => [tensor.name, elementsOf(tensor)]))
  let bytes = 0
  for (const node of draft.nodes) {
    const inputs = node.inputs.filter((name) => name !== '')
    if (
      NEVER.test(node.op) ||
      hasBody(node) ||
      inputs.length === 0 ||
      !inputs.every((name) => sizes.has(name))
    ) {
      continue
    }
    const read = inputs.reduce((sum, name) => sum + sizes.get(name)!, 0)
    if (node.op === 'Cast' && read >= LEAST_WEIGHT) {
      continue
    }
    const made = node.outputs.map((name) => outputSize(node, name, read, draft, known))
    if (made.some((size) => size === undefined || size > MAX_FOLDED_ELEMENTS)) {
      continue
    }
    const total = (made as number[]).reduce((sum, size) => sum + 8 * size, 0)
    if (bytes + total > MAX_FOLDED_BYTES) {
      continue
    }
    bytes += total
    for (const [index, name] of node.outputs.entries()) {
      sizes.set(name, made[index]!)
    }
    chosen.push(node)
  }
  return chosen
}

/** Elements of an output before it is computed, or a bound of them; undefined when it could be anything. */
function outputSize(
  node: DraftNode,
  name: string,
  read: number,
  draft: Draft,
  known: KnownShapes,
): number | undefined {
  const shape = known.shapes.get(name)
  if (shape !== undefined) {
    return shape.reduce((product, size) => product * size, 1)
  }
  if (node.op === 'Range') {
    const [start, limit, delta] = node.inputs.map((input) => known.values.get(input)?.[0])
    const count =
      start === undefined || limit === undefined || !delta ? undefined : Math.ceil((limit - start) / delta)
    if (count !== undefined) {
      known.shapes.set(node.outputs[0]!, [Math.max(0, count)])
    }
    return count
  }
  return GROWING.has(node.op) || read > MAX_BLIND_ELEMENTS || draft.outputs.length === 0
    ? undefined
    : MAX_BLIND_ELEMENTS
}

async function evaluate(draft: Draft, nodes: readonly DraftNode[], wanted: readonly string[]) {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs))
  const constants = [...draft.constants.values()].filter(({ name }) => read.has(name))
  const bytes = writeModel(
    { name: 'constants', nodes, constants, inputs: [], outputs: wanted.map((name) => ({ name })) },
    { producer: { name: 'boxlet', version: '' }, opsets: Object.fromEntries(draft.opsets) },
  ).finish()
  const session = await openSession(bytes, { threads: 1 })
  try {
    const results = await session.run(new Map())
    return wanted.map((name) => {
      const { type, dims, data } = results.get(name)!
      const tensor = { name, type: type as ElementType, dims: [...dims], data: bytesOf(data).slice() }
      if (tensor.data.length !== elementsOf(tensor) * elementBytes(tensor.type)) {
        throw new TypeError(`the values of "${name}" are not as long as their sizes say`)
      }
      return [name, tensor] as const
    })
  } finally {
    await session.release()
  }
}
