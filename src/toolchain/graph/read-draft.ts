import { BoxletError } from '../../errors.ts'
import { usedBy } from '../../onnx/graph/edit.ts'
import {
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  qualifiedOp,
} from '../../onnx/model.ts'
import { Cursor, viewOf } from '../../onnx/read/cursor.ts'
import { parseModel } from '../../onnx/read/parse.ts'
import { parseValue } from '../../onnx/read/parse-parts.ts'
import { tensorData } from '../../onnx/read/tensor-data.ts'
import type { ElementType } from '../../onnx/types.ts'
import type { Attribute, NewValue } from '../../onnx/write/encode.ts'
import { type Draft, type DraftNode, type DraftTensor, int64Bytes } from './draft.ts'

/** Fields of GraphProto, ModelProto and NodeProto. */
const VALUE_INFO = 13
const FUNCTION = 25
const ATTRIBUTE = 5

/** Declared types of values between nodes that are kept; as many as there are edges. */
const MAX_TYPES = 1_000_000

/**
 * Reads a whole model to be changed. What passes do not know (bodies of branches, local functions, lists of strings)
 * stays byte for byte.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT as `readOnnx`; MODEL_UNSUPPORTED for sparse weights and constants of
 * types that have no plain bytes
 */
export function readDraft(bytes: Uint8Array): Draft {
  const model = parseModel(bytes)
  const { graph } = model
  if (graph.sparseInitializers > 0) {
    throw new BoxletError('MODEL_UNSUPPORTED', 'Expected plain weights but received sparse ones.', {
      hint: 'Export the model again without sparse initializers.',
    })
  }
  const constants = new Map<string, DraftTensor>()
  for (const [name, tensor] of graph.initializers) {
    constants.set(name, readTensor(model.bytes, tensor, name))
  }
  const nodes: DraftNode[] = []
  for (const node of graph.nodes) {
    const [output = ''] = node.outputs
    const tensor = node.op === 'Constant' && node.domain === '' ? constantOf(node) : undefined
    if (tensor === undefined) {
      nodes.push(readNode(model, node))
    } else {
      constants.set(
        output,
        'range' in tensor ? readTensor(model.bytes, tensor, output) : { ...tensor, name: output },
      )
    }
  }
  return {
    name: 'main',
    nodes,
    constants,
    inputs: graph.inputs.filter(({ name }) => !graph.initializers.has(name)).map(readValue),
    outputs: graph.outputs.map(readValue),
    opsets: new Map(
      [...model.opsets].map(([domain, version]) => [domain === 'ai.onnx' ? '' : domain, version]),
    ),
    metadata: model.metadata,
    irVersion: model.irVersion,
    producer: model.producer,
    ...otherParts(model),
  }
}

function readTensor(bytes: Uint8Array, tensor: OnnxTensor, name: string): DraftTensor {
  const data = tensorData(bytes, tensor)
  if (data === undefined) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected constants of numbers inside the file but "${name}" is ${tensor.external ? 'in another file' : 'none'}.`,
    )
  }
  return { name, type: tensor.type as ElementType, dims: tensor.dims, data }
}

/** What a Constant node holds; undefined for the forms that are left to the runtime. */
function constantOf(node: OnnxNode): OnnxTensor | Omit<DraftTensor, 'name'> | undefined {
  const { tensor } = node.attributes.get('value') ?? {}
  if (tensor !== undefined && tensor.type !== 'string' && tensor.type !== 'other') {
    return tensor
  }
  const whole = node.attributes.get('value_ints')?.ints ?? node.attributes.get('value_int')?.int
  const real = node.attributes.get('value_floats')?.floats ?? node.attributes.get('value_float')?.float
  if (whole !== undefined) {
    const list = typeof whole === 'number' ? [whole] : whole
    const dims = typeof whole === 'number' ? [] : [list.length]
    return { type: 'int64', dims, data: int64Bytes(list) }
  }
  if (real === undefined) {
    return undefined
  }
  const list = typeof real === 'number' ? [real] : real
  const dims = typeof real === 'number' ? [] : [list.length]
  return { type: 'float32', dims, data: new Uint8Array(Float32Array.from(list).buffer) }
}

function readNode(model: OnnxModel, node: OnnxNode): DraftNode {
  const attributes: Record<string, Attribute> = {}
  const contents = attributeBytes(model, node)
  let index = 0
  for (const [name, value] of node.attributes) {
    attributes[name] = { kept: contents[index++]!, value }
  }
  const own = new Set(node.inputs)
  const inside = new Set(
    node.subgraphs.flatMap((graph) => [
      ...graph.initializers.keys(),
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ]),
  )
  const captures =
    node.subgraphs.length === 0 ? [] : usedBy(node).filter((name) => !own.has(name) && !inside.has(name))
  return {
    op: qualifiedOp(node),
    name: '',
    inputs: [...node.inputs],
    outputs: [...node.outputs],
    attributes,
    captures,
  }
}

/** Content of the attributes in the order of the file, one for each name: the last of two with one name counts. */
function attributeBytes(model: OnnxModel, { range, attributes }: OnnxNode): Uint8Array[] {
  const names = [...attributes.keys()]
  const found = new Map<string, Uint8Array>()
  const at = new Cursor(viewOf(model.bytes), range.start, range.end)
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field !== ATTRIBUTE) {
      at.skip()
      continue
    }
    const { start, end } = at.message()
    found.set(attributeName(model, start, end), model.bytes.subarray(start, end))
  }
  return names.map((name) => found.get(name)!)
}

function attributeName({ bytes }: OnnxModel, start: number, end: number): string {
  const at = new Cursor(viewOf(bytes), start, end)
  let name = ''
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === 1) {
      name = at.text(end - start, 'attribute name')
    } else {
      at.skip()
    }
  }
  return name
}

function readValue({ name, type, shape }: OnnxValue, index: number): NewValue {
  return {
    name,
    type: type as ElementType,
    shape: shape?.map((size, axis) => size ?? `${name === '' ? index : name}_${axis}`),
  }
}

function otherParts(model: OnnxModel): Pick<Draft, 'functions' | 'types'> {
  const functions: Uint8Array[] = []
  const at = new Cursor(viewOf(model.bytes))
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === FUNCTION) {
      const { start, end } = at.message()
      functions.push(model.bytes.subarray(start, end))
    } else {
      at.skip()
    }
  }
  const types: Draft['types'] = new Map()
  const { range } = model.graph
  const inner = new Cursor(viewOf(model.bytes), range.start, range.end)
  for (let field = inner.field(); field !== 0 && types.size < MAX_TYPES; field = inner.field()) {
    if (field !== VALUE_INFO) {
      inner.skip()
      continue
    }
    const { name, type } = parseValue(inner.message())
    if (type !== 'other' && type !== 'string') {
      types.set(name, type)
    }
  }
  return { functions, types }
}
