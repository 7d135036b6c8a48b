import { BoxletError } from '../../errors.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import { type Links, linkGraph } from '../graph/links.ts'
import { inputStems } from '../graph/stems.ts'
import { outputTails } from '../graph/tails.ts'
import { graphSuppression, quantizationKind } from '../graph/traits.ts'
import { MAX_REAL_INPUTS } from '../limits.ts'
import { type OnnxModel, type OnnxNode, type OnnxValue, qualifiedOp } from '../model.ts'
import { tooMuch } from './cursor.ts'
import { parseModel } from './parse.ts'

/**
 * What an ONNX file says about itself. Reads structure only: weights are stepped over, so 100 MB take no longer
 * than the nodes do.
 *
 * @throws BoxletError MODEL_CORRUPT for bytes that are not an ONNX model, MODEL_LIMIT beyond `limits.ts`
 * note    a signature is not a promise that the runtime takes the file; `checkForRuntime` looks at that
 */
export function readOnnx(bytes: Uint8Array): ModelSignature {
  return signatureOf(parseModel(bytes))
}

/** The same for a file that is parsed already. */
export function signatureOf(model: OnnxModel, links: Links = linkGraph(model)): ModelSignature {
  const { graph } = model
  refuseExternalData(links)
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name)).map(tensorInfo)
  if (inputs.length > MAX_REAL_INPUTS) {
    throw tooMuch(MAX_REAL_INPUTS, 'inputs without a value', inputs.length)
  }
  const { ops, nodes } = countOps(model)
  let parameters = 0
  for (const tensor of links.constants.values()) {
    parameters += tensor.elements
  }
  return {
    format: 'onnx',
    bytes: model.bytes.length,
    inputs,
    outputs: graph.outputs.map(tensorInfo),
    metadata: Object.fromEntries(model.metadata),
    producer: model.producer,
    opsets: Object.fromEntries(model.opsets),
    ops: Object.fromEntries([...ops].sort(([, a], [, b]) => b - a)),
    parameters,
    tails: Object.fromEntries(outputTails(model, links)),
    nodes,
    quantization: quantizationKind(model, links, ops),
    stems: Object.fromEntries(
      inputStems(
        model,
        links,
        inputs.map(({ name }) => name),
      ),
    ),
    suppression: graphSuppression(model, links),
    functions: model.functions.map(({ domain, name }) => qualifiedOp({ domain, op: name })),
  }
}

/** A session made from bytes has no folder to find the other file in, and a path inside a model is not to be trusted. */
function refuseExternalData(links: Links): void {
  for (const tensor of links.constants.values()) {
    if (!tensor.external) {
      continue
    }
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected the weights inside the model file but received a reference to another file for "${tensor.name}".`,
      {
        hint: 'Save the model as one file, e.g. with onnx.save_model(model, path, save_as_external_data=False).',
      },
    )
  }
}

const tensorInfo = ({ name, type, shape }: OnnxValue): TensorInfo => ({ name, type, shape })

function countOps(model: OnnxModel): { ops: Map<string, number>; nodes: number } {
  const ops = new Map<string, number>()
  let nodes = 0
  const count = (list: readonly OnnxNode[]) => {
    for (const node of list) {
      nodes++
      const op = qualifiedOp(node)
      ops.set(op, (ops.get(op) ?? 0) + 1)
      for (const graph of node.subgraphs) {
        count(graph.nodes)
      }
    }
  }
  count(model.graph.nodes)
  for (const { nodes: body } of model.functions) {
    count(body)
  }
  return { ops, nodes }
}
