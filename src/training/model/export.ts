import { type GraphEdits, writeEdited } from '../../onnx/graph/edit.ts'
import { withMetadata } from '../../onnx/write/metadata.ts'
import type { Base } from './base.ts'
import type { Network } from './network.ts'
import type { Slot } from './training-graph.ts'

/** Metadata of a file that was taught: how it was made, as JSON. */
export const TRAINING_KEY = 'boxlet.training'

/**
 * Writes what was learned into the file of the base: same layers, new weights, as many classes as there are labels,
 * in the layout of YOLOX, `[1, cells, 5 + classes]`, so that everything that reads YOLOX reads it.
 *
 * @param weights the vector of all that learns; frozen layers stay byte for byte
 * @param metadata over that of the base
 */
export function exportModel(
  base: Base,
  network: Network,
  slots: readonly Slot[],
  weights: Float32Array,
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  const { model, links, heads } = base
  const columns = 5 + network.classes
  const rows = `${model.graph.outputs[0]!.name}.rows`
  const learned = new Set(slots.map(({ name }) => name))
  const edits: GraphEdits = {
    replace: new Map(),
    constants: [
      { name: rows, type: 'int64', dims: [3], data: BigInt64Array.of(1n, BigInt(columns), -1n) },
      ...slots.map(({ name, dims, offset, length }) => ({
        name,
        type: 'float32' as const,
        dims,
        data: weights.slice(offset, offset + length),
      })),
    ],
    inputs: [{ name: network.image, type: 'float32', shape: [1, 3, network.size, network.size] }],
    outputs: [{ name: model.graph.outputs[0]!.name, type: 'float32', shape: [1, cellsOf(network), columns] }],
    dropValueInfo: true,
  }
  for (const { flattened, joined } of heads) {
    edits.replace.set(flattened, [
      { op: 'Reshape', inputs: [joined.outputs[0]!, rows], outputs: flattened.outputs },
    ])
  }
  for (const node of model.graph.nodes) {
    // A weight may be the tensor of a node; the new one has the same name.
    if (
      node.op === 'Constant' &&
      node.outputs.some((name) => learned.has(name)) &&
      links.constants.has(node.outputs[0]!)
    ) {
      edits.replace.set(node, [])
    }
  }
  return withMetadata(writeEdited(model, edits), new Map([...model.metadata, ...metadata]))
}

const cellsOf = ({ levels }: Network): number =>
  levels.reduce((sum, { width, height }) => sum + width * height, 0)
