import type { NewValue } from '../../onnx/write/encode.ts'
import type { Preparation, PreparationStep } from '../preparation.ts'
import { bodyTakesAnySize } from './any-size.ts'
import { freeAttention } from './attention.ts'
import { matchYolov8Head, type RawHead } from './yolov8-head.ts'

/**
 * Cuts a YOLOv8 head after its last convolutions. Softmax over the box bins and sigmoid over the classes are
 * then done for the few cells above the threshold instead of for all, and with the fixed cell centres gone the
 * network takes any size that its stride divides: a letterbox needs no more padding than that.
 */
export const cutYolov8Head: PreparationStep = (at) => {
  const { model, links, folder, contract, edits } = at
  if (contract.family !== 'yolov8' || contract.task !== 'detect') {
    return undefined
  }
  if (contract.output.boxUnits !== 'pixels' || contract.output.options.transposed === true) {
    return undefined
  }
  const [input, ...others] = model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name))
  const [output, ...moreOutputs] = model.graph.outputs
  if (input?.shape?.length !== 4 || others.length > 0 || moreOutputs.length > 0) {
    return undefined
  }
  const [batch, channels, height, width] = input.shape
  if (batch !== 1 || channels !== 3 || typeof height !== 'number' || typeof width !== 'number') {
    return undefined
  }
  if (input.type !== 'float32' || output?.type !== 'float32') {
    return undefined
  }
  const head = matchYolov8Head({ model, links, folder, width, height }, output.name)
  if (head === undefined || head.classes !== contract.output.classes) {
    return undefined
  }

  const stride = Math.max(...head.levels.map((level) => level.stride))
  const maps = head.levels.flatMap(({ boxes, scores }) => [boxes, scores])
  const attention = freeAttention(model, links, folder)
  const dynamic =
    contract.input.geometry.fit === 'letterbox' && bodyTakesAnySize(maps, links, folder, attention.nodes)
  edits.outputs = head.levels.flatMap((level) => outputsOf(level, head, dynamic, width, height))
  if (dynamic) {
    edits.inputs = [{ name: input.name, type: 'float32', shape: [1, 3, 'height', 'width'] }]
    edits.dropValueInfo = true
    edits.constants.push(...attention.constants)
    for (const [node, nodes] of attention.replace) {
      edits.replace.set(node, nodes)
    }
  }
  return {
    contract: rawContract(at, head, dynamic ? stride : undefined),
    edit: dynamic
      ? `Boxes are decoded outside the graph, and the input takes any multiple of ${stride}.`
      : 'Boxes are decoded outside the graph.',
  }
}

function outputsOf(
  level: RawHead['levels'][number],
  head: RawHead,
  dynamic: boolean,
  width: number,
  height: number,
): NewValue[] {
  const size = dynamic
    ? [`height${level.stride}`, `width${level.stride}`]
    : [height / level.stride, width / level.stride]
  return [
    { name: level.boxes, type: 'float32', shape: [1, 4 * head.bins, ...size] },
    { name: level.scores, type: 'float32', shape: [1, head.classes, ...size] },
  ]
}

function rawContract(
  { contract }: Preparation,
  head: RawHead,
  stride: number | undefined,
): Preparation['contract'] {
  const roles: Record<string, string> = {}
  for (const { stride: at, boxes, scores } of head.levels) {
    roles[`boxes${at}`] = boxes
    roles[`scores${at}`] = scores
  }
  return {
    ...contract,
    family: 'yolov8-raw',
    input: stride === undefined ? contract.input : { ...contract.input, dynamic: { stride } },
    output: {
      ...contract.output,
      roles,
      boxCode: 'head',
      boxUnits: 'pixels',
      frame: 'input',
      scoreActivation: 'sigmoid',
      options: { strides: head.levels.map((level) => level.stride), bins: head.bins },
    },
  }
}
