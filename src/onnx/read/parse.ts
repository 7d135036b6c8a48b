import * as limit from '../limits.ts'
import type {
  ByteRange,
  OnnxAttribute,
  OnnxFunction,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxValue,
} from '../model.ts'
import { Cursor, corrupt, tooMuch, viewOf } from './cursor.ts'
import { type Budget, parseAttribute, parseTensor, parseValue } from './parse-parts.ts'

/**
 * Reads the structure of an ONNX file. Weights are stepped over, so the work grows with the number of nodes
 * and not with the size of the file.
 *
 * @throws BoxletError MODEL_CORRUPT where the bytes are not a model, MODEL_LIMIT beyond `limits.ts`
 */
export function parseModel(bytes: Uint8Array): OnnxModel {
  if (bytes.length > limit.MAX_FILE_BYTES) {
    throw tooMuch(limit.MAX_FILE_BYTES, 'bytes', bytes.length)
  }
  // A Buffer's own subarray and slice differ from those of a Uint8Array.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const model: Omit<OnnxModel, 'graph'> = {
    bytes: plain,
    irVersion: 0,
    producer: { name: '', version: '' },
    opsets: new Map(),
    metadata: new Map(),
    functions: [],
    hasTrainingInfo: false,
  }
  const budget: Budget = { nodes: 0, edges: 0, initializers: 0, values: 0, graphs: 0, depth: 0, parseGraph }
  const at = new Cursor(viewOf(plain))
  let graph: OnnxGraph | undefined
  let metadataBytes = 0
  for (let field = at.field(); field !== 0; field = at.field()) {
    switch (field) {
      case 1:
        model.irVersion = at.number()
        break
      case 2:
        model.producer.name = at.text(limit.MAX_NAME_BYTES, 'producer name')
        break
      case 3:
        model.producer.version = at.text(limit.MAX_NAME_BYTES, 'producer version')
        break
      case 7:
        if (graph !== undefined) {
          throw corrupt('there are two graphs')
        }
        graph = parseGraph(at.message(), budget)
        break
      case 8:
        parseOpset(at.message(), model.opsets)
        break
      case 14: {
        const entry = at.message()
        metadataBytes += entry.end - entry.start
        if (metadataBytes > limit.MAX_METADATA_BYTES) {
          throw tooMuch(limit.MAX_METADATA_BYTES, 'bytes of metadata', metadataBytes)
        }
        parseMetadata(entry, model.metadata)
        break
      }
      case 20:
        model.hasTrainingInfo = true
        at.skip()
        break
      case 25:
        model.functions.push(parseFunction(at.message(), budget))
        break
      default:
        at.skip()
    }
  }
  if (graph === undefined) {
    throw corrupt('there is no graph')
  }
  return { ...model, graph }
}

function parseGraph(at: Cursor, budget: Budget): OnnxGraph {
  if (++budget.depth > limit.MAX_GRAPH_DEPTH) {
    throw tooMuch(limit.MAX_GRAPH_DEPTH, 'graphs inside each other', budget.depth)
  }
  // The first is the model's own.
  if (budget.graphs++ > limit.MAX_SUBGRAPHS) {
    throw tooMuch(limit.MAX_SUBGRAPHS, 'graphs inside nodes', budget.graphs - 1)
  }
  const graph: OnnxGraph = {
    range: { start: at.start, end: at.end },
    nodes: [],
    initializers: new Map(),
    sparseInitializers: 0,
    inputs: [],
    outputs: [],
  }
  for (let field = at.field(); field !== 0; field = at.field()) {
    switch (field) {
      case 1:
        graph.nodes.push(parseNode(at.message(), budget))
        break
      case 5: {
        if (++budget.initializers > limit.MAX_INITIALIZERS) {
          throw tooMuch(limit.MAX_INITIALIZERS, 'initializers', budget.initializers)
        }
        const tensor = parseTensor(at.message())
        graph.initializers.set(tensor.name, tensor)
        break
      }
      case 11:
        push(graph.inputs, parseValue(at.message()), limit.MAX_GRAPH_INPUTS, 'inputs')
        break
      case 12:
        push(graph.outputs, parseValue(at.message()), limit.MAX_GRAPH_OUTPUTS, 'outputs')
        break
      case 15:
        graph.sparseInitializers++
        at.skip()
        break
      default:
        at.skip()
    }
  }
  budget.depth--
  return graph
}

/** These have no subgraphs, and their attributes are needed for few of them. */
const LAZY_OPS = new Set(
  [
    'Conv Slice Concat MaxPool Transpose Reshape Resize Split Gather Unsqueeze Squeeze Cast Softmax Add Mul Sub Div',
    'Sigmoid Relu Clip MatMul Gemm AveragePool DequantizeLinear QuantizeLinear DynamicQuantizeLinear ConvInteger',
    'ReduceMean ReduceSum ReduceMax Flatten LeakyRelu BatchNormalization QLinearConv Shape Pad Expand Where TopK',
  ].flatMap((line) => line.split(' ')),
)

class ParsedNode implements OnnxNode {
  readonly range: ByteRange
  op = ''
  domain = ''
  readonly inputs: string[] = []
  readonly outputs: string[] = []
  readonly #bytes: Buffer
  readonly #budget: Budget
  #attributes: Map<string, OnnxAttribute> | undefined

  constructor(at: Cursor, budget: Budget) {
    this.range = { start: at.start, end: at.end }
    this.#bytes = at.bytes
    this.#budget = budget
  }

  get attributes(): ReadonlyMap<string, OnnxAttribute> {
    this.#attributes ??= parseAttributes(
      new Cursor(this.#bytes, this.range.start, this.range.end),
      this.#budget,
    )
    return this.#attributes
  }

  get subgraphs(): readonly OnnxGraph[] {
    if (this.domain === '' && LAZY_OPS.has(this.op)) {
      return []
    }
    return [...this.attributes.values()].flatMap(({ graphs }) => graphs ?? [])
  }
}

function parseNode(at: Cursor, budget: Budget): OnnxNode {
  if (++budget.nodes > limit.MAX_NODES) {
    throw tooMuch(limit.MAX_NODES, 'nodes', budget.nodes)
  }
  const node = new ParsedNode(at, budget)
  for (let field = at.field(); field !== 0; field = at.field()) {
    switch (field) {
      case 1:
        countEdge(budget)
        node.inputs.push(at.text(limit.MAX_NAME_BYTES, 'name'))
        break
      case 2:
        countEdge(budget)
        node.outputs.push(at.text(limit.MAX_NAME_BYTES, 'name'))
        break
      case 4:
        node.op = at.text(limit.MAX_NAME_BYTES, 'operator name')
        break
      case 7:
        node.domain = at.text(limit.MAX_NAME_BYTES, 'domain')
        break
      default:
        at.skip()
    }
  }
  // While the depth of this graph is known, so that the limit on depth holds.
  if (node.domain !== '' || !LAZY_OPS.has(node.op)) {
    void node.attributes
  }
  return node
}

function parseAttributes(at: Cursor, budget: Budget): Map<string, OnnxAttribute> {
  const attributes = new Map<string, OnnxAttribute>()
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field !== 5) {
      at.skip()
      continue
    }
    if (attributes.size >= limit.MAX_ATTRIBUTES) {
      throw tooMuch(limit.MAX_ATTRIBUTES, 'attributes of one node', attributes.size + 1)
    }
    const [name, value] = parseAttribute(at.message(), budget)
    attributes.set(name, value)
  }
  return attributes
}

function countEdge(budget: Budget): void {
  if (++budget.edges > limit.MAX_EDGES) {
    throw tooMuch(limit.MAX_EDGES, 'edges', budget.edges)
  }
}

function push(list: OnnxValue[], value: OnnxValue, most: number, what: string): void {
  if (list.length >= most) {
    throw tooMuch(most, what, list.length + 1)
  }
  list.push(value)
}

function parseFunction(at: Cursor, budget: Budget): OnnxFunction {
  const result: OnnxFunction = { name: '', domain: '', nodes: [] }
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === 1) {
      result.name = at.text(limit.MAX_NAME_BYTES, 'name')
    } else if (field === 7) {
      result.nodes.push(parseNode(at.message(), budget))
    } else if (field === 10) {
      result.domain = at.text(limit.MAX_NAME_BYTES, 'domain')
    } else {
      at.skip()
    }
  }
  // An empty function still costs memory, so each counts as a node.
  if (++budget.nodes > limit.MAX_NODES) {
    throw tooMuch(limit.MAX_NODES, 'nodes', budget.nodes)
  }
  return result
}

function parseOpset(at: Cursor, opsets: Map<string, number>): void {
  let domain = ''
  let version = 0
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === 1) {
      domain = at.text(limit.MAX_NAME_BYTES, 'domain')
    } else if (field === 2) {
      version = at.signed()
    } else {
      at.skip()
    }
  }
  opsets.set(domain === '' ? 'ai.onnx' : domain, version)
  if (opsets.size > limit.MAX_OPSETS) {
    throw tooMuch(limit.MAX_OPSETS, 'operator sets', opsets.size)
  }
}

function parseMetadata(at: Cursor, metadata: Map<string, string>): void {
  let key = ''
  let value = ''
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === 1) {
      key = at.text(limit.MAX_NAME_BYTES, 'metadata key')
    } else if (field === 2) {
      value = at.text(limit.MAX_METADATA_BYTES, 'metadata')
    } else {
      at.skip()
    }
  }
  metadata.set(key, value)
  if (metadata.size > limit.MAX_METADATA_ENTRIES) {
    throw tooMuch(limit.MAX_METADATA_ENTRIES, 'metadata entries', metadata.size)
  }
}
