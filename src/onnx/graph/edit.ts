import type { OnnxGraph, OnnxModel, OnnxNode } from '../model.ts'
import { Cursor, viewOf } from '../read/cursor.ts'
import {
  type NewNode,
  type NewTensor,
  type NewValue,
  writeNode,
  writeTensor,
  writeValue,
} from '../write/encode.ts'
import { MessageWriter } from '../write/message-writer.ts'

/** What is to change in a graph. What is not named stays byte for byte, weights above all. */
export interface GraphEdits {
  /** Nodes to take out, each with what comes in its place. */
  replace: Map<OnnxNode, readonly NewNode[]>
  /** Nodes to put before all others. */
  first?: readonly NewNode[]
  /** Nodes that nothing needs once the others are replaced; left out by themselves, named for later steps. */
  unused?: Set<OnnxNode>
  /** New constants; one with the name of an initializer takes its place. */
  constants: NewTensor[]
  /** In place of the graph's own. */
  inputs?: readonly NewValue[]
  outputs?: readonly NewValue[]
  /** Declared types of values between nodes; wrong ones once sizes become free. */
  dropValueInfo?: boolean
}

/** Since this version initializers need not be graph inputs. */
const IR_VERSION_FREE_INITIALIZERS = 4

/**
 * Writes the model with its edits, without nodes and initializers that no output needs, and without
 * initializers among the graph inputs: the runtime takes those for overridable and folds nothing.
 */
export function writeEdited(model: OnnxModel, edits: GraphEdits): Uint8Array {
  const graph = writeGraph(model, edits)
  const view = viewOf(model.bytes)
  const writer = new MessageWriter()
  const at = new Cursor(view)
  for (let from = 0, field = at.field(); field !== 0; from = at.at, field = at.field()) {
    at.skip()
    if (field === 7) {
      writer.append(7, graph)
    } else if (field === 1) {
      writer.int(1, Math.max(model.irVersion, IR_VERSION_FREE_INITIALIZERS))
    } else {
      writer.raw(view.subarray(from, at.at))
    }
  }
  return writer.finish()
}

/** Fields of GraphProto that edits touch. */
const NODE = 1
const INITIALIZER = 5
const INPUT = 11
const OUTPUT = 12
const VALUE_INFO = 13

function writeGraph(model: OnnxModel, edits: GraphEdits): MessageWriter {
  const { graph } = model
  const view = viewOf(model.bytes)
  const outputs = edits.outputs?.map(({ name }) => name) ?? graph.outputs.map(({ name }) => name)
  const needed = neededParts(graph, edits, outputs)
  const replacedConstants = new Set(edits.constants.map(({ name }) => name))
  const nodes = graph.nodes.values()
  // By position: of two initializers with one name the graph's map holds only the last.
  const initializers = new Map([...graph.initializers.values()].map(({ range, name }) => [range.start, name]))
  const inputs = graph.inputs.values()
  const writer = new MessageWriter()
  const addNode = (added: NewNode) => writer.message(NODE, (inner) => writeNode(inner, added))
  edits.first?.forEach(addNode)
  // Neighbouring parts that stay are one copy; the weights are most of the file.
  let keptFrom = -1
  const keep = (from: number, to: number, kept: boolean) => {
    if (kept && keptFrom < 0) {
      keptFrom = from
    }
    if (!kept && keptFrom >= 0) {
      writer.raw(view.subarray(keptFrom, from))
      keptFrom = -1
    }
    return to
  }
  const at = new Cursor(view, graph.range.start, graph.range.end)
  for (let from = at.at, field = at.field(); field !== 0; from = at.at, field = at.field()) {
    let start = -1
    if (at.wire === 2) {
      start = at.message().start
    } else {
      at.skip()
    }
    if (field === NODE) {
      const node = nodes.next().value as OnnxNode
      const replacement = edits.replace.get(node)
      keep(from, at.at, replacement === undefined && needed.nodes.has(node))
      replacement?.forEach(addNode)
    } else if (field === INITIALIZER) {
      const name = initializers.get(start) ?? ''
      keep(from, at.at, needed.values.has(name) && !replacedConstants.has(name))
    } else if (field === INPUT) {
      const name = inputs.next().value?.name ?? ''
      keep(from, at.at, edits.inputs === undefined && !graph.initializers.has(name))
    } else if (field === OUTPUT) {
      keep(from, at.at, edits.outputs === undefined)
    } else if (field === VALUE_INFO) {
      keep(from, at.at, edits.dropValueInfo !== true)
    } else {
      keep(from, at.at, true)
    }
  }
  keep(graph.range.end, graph.range.end, false)
  for (const constant of edits.constants) {
    writer.message(INITIALIZER, (inner) => writeTensor(inner, constant))
  }
  for (const input of edits.inputs ?? []) {
    writer.message(INPUT, (inner) => writeValue(inner, input))
  }
  for (const output of edits.outputs ?? []) {
    writer.message(OUTPUT, (inner) => writeValue(inner, output))
  }
  return writer
}

/** Nodes and value names that the wanted outputs depend on, with the edits in place. */
function neededParts(
  graph: OnnxGraph,
  edits: GraphEdits,
  outputs: readonly string[],
): { nodes: Set<OnnxNode>; values: Set<string> } {
  const producers = new Map<string, OnnxNode | NewNode>()
  for (const made of edits.first ?? []) {
    for (const name of made.outputs) {
      producers.set(name, made)
    }
  }
  for (const node of graph.nodes) {
    for (const made of edits.replace.get(node) ?? [node]) {
      for (const name of made.outputs) {
        producers.set(name, made)
      }
    }
  }
  const nodes = new Set<OnnxNode>()
  const values = new Set<string>()
  const stack = [...outputs]
  while (stack.length > 0) {
    const name = stack.pop() as string
    if (name === '' || values.has(name)) {
      continue
    }
    values.add(name)
    const producer = producers.get(name)
    if (producer === undefined) {
      continue
    }
    if ('range' in producer) {
      // Met for another of its outputs before.
      if (nodes.has(producer)) {
        continue
      }
      nodes.add(producer)
    }
    // One by one: a node may have more inputs than a call takes arguments.
    for (const input of 'range' in producer ? usedBy(producer) : producer.inputs) {
      stack.push(input)
    }
  }
  return { nodes, values }
}

/** All names that a node reads, those that its subgraphs take from outside included. */
export function usedBy(node: OnnxNode): string[] {
  return [
    ...node.inputs,
    ...node.subgraphs.flatMap((graph) => [
      ...graph.nodes.flatMap(usedBy),
      ...graph.outputs.map(({ name }) => name),
    ]),
  ]
}
