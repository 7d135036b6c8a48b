import type { NewGraph } from '../../onnx/write/encode.ts'
import { writeModel } from '../../onnx/write/write-model.ts'
import type { Graph, GraphNode, Port } from './graph.ts'

const PRODUCER = { name: 'boxlet', version: 'training' }

/** Writes the nodes that the outputs need, and the constants that these read, as an ONNX file. */
export function toOnnx(graph: Graph): Uint8Array {
  const { nodes, read } = needed(graph)
  const value = ({ name, type, dims }: Port) => ({ name, type, shape: dims })
  const written: NewGraph = {
    name: 'training',
    nodes,
    constants: [...graph.constants]
      .filter(([name]) => read.has(name))
      .map(([name, { dims, data }]) => ({
        name,
        type: data instanceof Float32Array ? 'float32' : 'int64',
        dims,
        data,
      })),
    inputs: graph.inputs.map(value),
    outputs: graph.outputs.map(value),
  }
  return writeModel(written, { producer: PRODUCER }).finish()
}

function needed(graph: Graph): { nodes: GraphNode[]; read: Set<string> } {
  const read = new Set(graph.outputs.map(({ name }) => name))
  const nodes: GraphNode[] = []
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.some((name) => read.has(name))) {
      nodes.push(node)
      for (const name of node.inputs) {
        read.add(name)
      }
    }
  }
  return { nodes: nodes.reverse(), read }
}
