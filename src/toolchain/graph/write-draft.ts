import type { OnnxModel, OnnxNode, OnnxTensor } from '../../onnx/model.ts'
import { typeCode } from '../../onnx/types.ts'
import { MessageWriter } from '../../onnx/write/message-writer.ts'
import { writeModel } from '../../onnx/write/write-model.ts'
import { attribute, type Draft, type DraftNode, elementsOf } from './draft.ts'

/** Field of ModelProto. */
const FUNCTION = 25

/**
 * The file of a draft as one piece.
 *
 * @param outputs values to give in place of the graph's own; their types are declared where the graph gives them, too
 * @throws BoxletError MODEL_LIMIT as `writeModel`
 */
export function writeDraft(draft: Draft, outputs: readonly { name: string }[] = draft.outputs): Uint8Array {
  const declared = new Map(draft.outputs.map((output) => [output.name, output]))
  const writer = writeModel(
    {
      ...draft,
      constants: draft.constants.values(),
      outputs: outputs.map(({ name }) => declared.get(name) ?? { name }),
    },
    {
      producer: { name: 'boxlet', version: '' },
      metadata: Object.fromEntries(draft.metadata),
      opsets: Object.fromEntries(usedOpsets(draft)),
    },
  )
  if (draft.functions.length === 0) {
    return writer.finish()
  }
  const functions = new MessageWriter()
  for (const body of draft.functions) {
    functions.bytes(FUNCTION, body)
  }
  const whole = new Uint8Array(writer.length + functions.length)
  whole.set(writer.finish())
  whole.set(functions.finish(), writer.length)
  return whole
}

/** Domains that a node is of. Functions and branches may call any, so that all are kept where there are some. */
function usedOpsets({ nodes, opsets, functions }: Draft): Map<string, number> {
  const isOpen =
    functions.length > 0 ||
    nodes.some(({ captures, attributes }) => captures.length > 0 || hasGraphs(attributes))
  const used = new Set(nodes.map(({ op }) => op.slice(0, Math.max(0, op.lastIndexOf(':')))))
  return new Map([...opsets].filter(([domain]) => domain === '' || isOpen || used.has(domain)))
}

const hasGraphs = (attributes: DraftNode['attributes']): boolean =>
  Object.values(attributes).some(
    (value) => typeof value === 'object' && 'kept' in value && value.value.graphs !== undefined,
  )

/** Constants of which readers may ask the values. */
const MAX_SMALL = 64

/**
 * The structure of a draft as the reader would give it, without a copy of the weights: values of more than
 * `MAX_SMALL` elements are not there. For shape inference and the walks of `onnx/graph`.
 */
export function viewDraft(draft: Draft): OnnxModel {
  const small = [...draft.constants.values()].filter((tensor) => elementsOf(tensor) <= MAX_SMALL)
  const bytes = new Uint8Array(small.reduce((sum, { data }) => sum + data.byteLength, 0))
  const initializers = new Map<string, OnnxTensor>()
  let end = 0
  for (const tensor of draft.constants.values()) {
    const elements = elementsOf(tensor)
    const start = end
    if (elements <= MAX_SMALL) {
      bytes.set(tensor.data, start)
      end += tensor.data.byteLength
    }
    initializers.set(tensor.name, {
      name: tensor.name,
      range: { start, end },
      type: tensor.type,
      typeCode: typeCode(tensor.type),
      dims: [...tensor.dims],
      elements,
      raw: elements <= MAX_SMALL ? { start, end } : undefined,
      external: elements > MAX_SMALL,
    })
  }
  const range = { start: 0, end: 0 }
  return {
    bytes,
    irVersion: draft.irVersion,
    producer: draft.producer,
    opsets: new Map(
      [...draft.opsets].map(([domain, version]) => [domain === '' ? 'ai.onnx' : domain, version]),
    ),
    metadata: draft.metadata,
    functions: [],
    hasTrainingInfo: false,
    graph: {
      range,
      nodes: draft.nodes.map(viewNode),
      initializers,
      sparseInitializers: 0,
      inputs: draft.inputs.map(({ name, type, shape }) => ({
        name,
        range,
        type,
        shape: shape && [...shape],
      })),
      outputs: draft.outputs.map(({ name, type, shape }) => ({
        name,
        range,
        type,
        shape: shape && [...shape],
      })),
    },
  }
}

function viewNode(node: DraftNode): OnnxNode {
  const split = node.op.lastIndexOf(':')
  const names = Object.keys(node.attributes)
  return {
    range: { start: 0, end: 0 },
    op: node.op.slice(split + 1),
    domain: node.op.slice(0, Math.max(0, split)),
    inputs: node.inputs,
    outputs: node.outputs,
    attributes: new Map(names.map((name) => [name, attribute(node, name) ?? {}])),
    subgraphs: [],
  }
}
