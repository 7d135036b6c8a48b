import { BoxletError } from '../../errors.ts'
import type { Links } from '../../onnx/graph/links.ts'
import type { OnnxModel, OnnxNode } from '../../onnx/model.ts'

/** The last layers of one level of YOLOX, and where their joined map is flattened into rows of cells. */
export interface Head {
  box: OnnxNode
  objectness: OnnxNode
  classes: OnnxNode
  /** [box, objectness, classes] as one map. */
  joined: OnnxNode
  flattened: OnnxNode
}

/**
 * Finds the prediction layers of a raw YOLOX export by their place in the graph:
 * output = transpose(concat(flatten(concat(box, σ(objectness), σ(classes))), …)).
 *
 * @throws BoxletError MODEL_UNSUPPORTED when the graph ends in another way
 */
export function findHeads(model: OnnxModel, links: Links): Head[] {
  const output = model.graph.outputs[0]?.name ?? ''
  const turned = links.producers.get(output)
  const stacked = turned?.op === 'Transpose' ? links.producers.get(turned.inputs[0] ?? '') : undefined
  const heads = stacked?.op === 'Concat' ? stacked.inputs.map((name) => headOf(name, links)) : []
  if (heads.length === 0 || heads.some((head) => head === undefined)) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      'Expected a raw YOLOX export as the base for teaching but received one whose last layers are arranged in another way.',
      { hint: 'Take yolox-nano, yolox-tiny or yolox-s of the catalogue, or a file that teach wrote.' },
    )
  }
  return heads as Head[]
}

function headOf(name: string, { producers }: Links): Head | undefined {
  const flattened = producers.get(name)
  const joined = producers.get(flattened?.inputs[0] ?? '')
  if (flattened?.op !== 'Reshape' || joined?.op !== 'Concat' || joined.inputs.length !== 3) {
    return undefined
  }
  const [box, objectness, classes] = joined.inputs.map((input, at) => {
    const last = producers.get(input)
    return at === 0 ? last : last?.op === 'Sigmoid' ? producers.get(last.inputs[0] ?? '') : undefined
  })
  if (box?.op !== 'Conv' || objectness?.op !== 'Conv' || classes?.op !== 'Conv') {
    return undefined
  }
  return { box, objectness, classes, joined, flattened }
}
