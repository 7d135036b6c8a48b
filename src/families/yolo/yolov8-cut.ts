import type { Size } from '../../boxes/box.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { Recognition } from '../family.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { fixed, tailOf } from '../heads/shapes.ts'
import { ultralyticsInput } from '../heads/ultralytics.ts'

/** Bins of a side: 16 in all published weights, 17 of YOLOv6 and GFL, 1 for YOLO26 and decoded distributions. */
const BOX_WIDTHS = [64, 68, 4]
const LEAST_LEVELS = 2
const MOST_LEVELS = 5

/** The parts of one level that a tool left: one map of boxes and scores joined, or a map for each. */
interface CutLevel {
  stride: number
  bins: number
  classes: number
  channelsLast: boolean
  /** Names of the outputs; one that holds both is under `joined`. */
  joined?: string
  boxes?: string
  scores?: string
  /** Joined maps: whether the scores come before the boxes. */
  scoresFirst: boolean
  activation: 'none' | 'sigmoid'
  /** Whether the last layers show the parts; a shape alone may be another head's. */
  isProven: boolean
}

/**
 * Maps of a YOLOv8-style head as the tools for RKNN, Hailo, Horizon, Axera and TensorRT leave it: three outputs of
 * boxes and scores joined, six of boxes and scores apart, or nine with a sum of the scores beside them; channels
 * first or last; class logits or probabilities. The last layers tell boxes from classes.
 *
 * source  airockchip/rknn_model_zoo `examples/yolov8`, hailo_model_zoo `hailo_model_zoo/core/postprocessing`
 */
export function recogniseCut(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  if (common === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const levels = cutLevels(signature, common.input.size)
  if (levels === undefined) {
    return undefined
  }
  const [first] = levels as [CutLevel]
  const names = metadataLabels(signature.metadata)
  if (names !== undefined && names.length !== first.classes) {
    return undefined
  }
  const isProven = levels.every((level) => level.isProven) || names !== undefined
  const strides = levels.map(({ stride }) => stride)
  const { bins, classes, channelsLast, scoresFirst, activation } = first
  return describe(
    {
      family: 'yolov8-raw',
      confidence: isProven ? 0.95 : 0.6,
      input: common.input,
      roles: Object.fromEntries(levels.flatMap(rolesOf)),
      boxCode: 'head',
      scoreActivation: activation,
      classes,
      options: { strides, bins, channelsLast, scoresFirst, probabilities: activation === 'none' },
      score: 0.25,
      suppression: perClass(0.7),
      evidence: [
        ...common.evidence,
        evidence(
          'output',
          `maps of a YOLOv8-style head, cut off before decoding: strides ${strides.join(', ')}, ${bins === 1 ? 'distances' : `${bins} bins`} for each side and ${classes} classes`,
          isProven
            ? `the last layers of each level have ${4 * bins} and ${classes} channels`
            : 'the maps have the cells of each stride and as many channels as such a head',
          isProven ? 0.95 : 0.6,
        ),
        evidence(
          'output.scoreActivation',
          activation === 'none' ? 'scores are probabilities' : 'scores are logits',
          activation === 'none'
            ? 'a sigmoid follows the class layers'
            : 'no sigmoid follows the class layers',
          0.9,
        ),
      ],
    },
    signature.outputs,
  )
}

const rolesOf = ({ stride, joined, boxes, scores }: CutLevel): [string, string][] =>
  joined !== undefined
    ? [[`head${stride}`, joined]]
    : [
        [`boxes${stride}`, boxes as string],
        [`scores${stride}`, scores as string],
      ]

interface Map4 {
  output: TensorInfo
  stride: number
  channels: number
  channelsLast: boolean
}

/** Levels from fine to coarse with the same parts, or undefined when the outputs are no such head. */
function cutLevels(signature: ModelSignature, size: Size): CutLevel[] | undefined {
  const maps = signature.outputs.map((output) => mapOf(output, size))
  if (maps.some((map) => map === undefined)) {
    return undefined
  }
  const byStride = new Map<number, Map4[]>()
  for (const map of maps as Map4[]) {
    byStride.set(map.stride, [...(byStride.get(map.stride) ?? []), map])
  }
  const strides = [...byStride.keys()].sort((a, b) => a - b)
  const doubles = strides.every((stride, i) => i === 0 || stride === 2 * strides[i - 1]!)
  if (strides.length < LEAST_LEVELS || strides.length > MOST_LEVELS || !doubles) {
    return undefined
  }
  const levels = strides.map((stride) => levelOf(signature, byStride.get(stride)!))
  const [first] = levels
  const isSame = (level: CutLevel | undefined) =>
    level !== undefined &&
    level.bins === first?.bins &&
    level.classes === first.classes &&
    level.channelsLast === first.channelsLast &&
    level.scoresFirst === first.scoresFirst &&
    level.activation === first.activation &&
    (level.joined === undefined) === (first.joined === undefined)
  return levels.every(isSame) ? (levels as CutLevel[]) : undefined
}

function levelOf(signature: ModelSignature, maps: readonly Map4[]): CutLevel | undefined {
  const layers = (map: Map4) => tailOf(signature, map.output.name)?.weightedChannels ?? []
  const isSigmoid = (map: Map4) =>
    (tailOf(signature, map.output.name)?.ops ?? []).some((op) => /(^|:|Q?Linear|Hard)Sigmoid$/.test(op))
  const [only] = maps as [Map4]
  const common = { stride: only.stride, channelsLast: only.channelsLast, scoresFirst: false }
  if (maps.some(({ channelsLast }) => channelsLast !== only.channelsLast)) {
    return undefined
  }
  if (maps.length === 1) {
    return joinedLevel(only, layers(only), isSigmoid(only))
  }
  if (maps.length > 3) {
    return undefined
  }
  // Nine outputs: the sum of the class scores narrows a search and says nothing more.
  const parts = maps.length === 3 ? withoutSum(signature, maps) : maps
  const boxes = boxMap(parts, layers)
  const scores = parts.find((map) => map !== boxes)
  if (boxes === undefined || scores === undefined || parts.length !== 2) {
    return undefined
  }
  return {
    ...common,
    bins: boxes.channels / 4,
    classes: scores.channels,
    boxes: boxes.output.name,
    scores: scores.output.name,
    activation: isSigmoid(scores) ? 'none' : 'sigmoid',
    isProven: layers(scores).length === 1 && layers(scores)[0] === scores.channels,
  }
}

function joinedLevel(map: Map4, layers: readonly number[], isSigmoid: boolean): CutLevel | undefined {
  const { channels, stride, channelsLast, output } = map
  const common = { stride, channelsLast, joined: output.name }
  const activation: CutLevel['activation'] = isSigmoid ? 'none' : 'sigmoid'
  if (layers.length === 0) {
    // Without layers to look at only more channels than the box distribution speak for it.
    return channels > BOX_WIDTHS[0]!
      ? { ...common, bins: 16, classes: channels - 64, scoresFirst: false, activation, isProven: false }
      : undefined
  }
  const [one, two] = layers as [number, number]
  if (layers.length !== 2 || one + two !== channels) {
    return undefined
  }
  const scoresFirst = !BOX_WIDTHS.includes(one) && BOX_WIDTHS.includes(two)
  const [width, classes] = scoresFirst ? [two, one] : [one, two]
  return BOX_WIDTHS.includes(width)
    ? { ...common, bins: width / 4, classes, scoresFirst, activation, isProven: true }
    : undefined
}

/** The map whose width is that of boxes; where both may be, the one that comes first. */
const boxMap = (maps: readonly Map4[], layers: (map: Map4) => readonly number[]): Map4 | undefined =>
  BOX_WIDTHS.flatMap((width) => maps.filter(({ channels }) => channels === width)).find((map) => {
    const widths = layers(map)
    return widths.length === 0 || BOX_WIDTHS.includes(widths[0]!)
  })

/** Of three maps the one of a single channel that adds up the others; for one class the last of two alike. */
function withoutSum(signature: ModelSignature, maps: readonly Map4[]): readonly Map4[] {
  const single = maps.filter(({ channels }) => channels === 1)
  const summed = single.find(({ output }) =>
    (tailOf(signature, output.name)?.ops ?? []).some((op) => /ReduceSum|Clip/.test(op)),
  )
  const sum = summed ?? single.at(-1)
  return sum === undefined ? maps : maps.filter((map) => map !== sum)
}

const FINEST = 4
const COARSEST = 128

function mapOf(output: TensorInfo, input: Size): Map4 | undefined {
  const shape = (output.shape ?? []).map(fixed)
  if (shape.length !== 4 || !/^(b?float|u?int8)/.test(output.type)) {
    return undefined
  }
  const [, a, b, c] = shape as [unknown, number | undefined, number | undefined, number | undefined]
  for (let stride = FINEST; stride <= COARSEST; stride *= 2) {
    const down = Math.ceil(input.height / stride)
    const across = Math.ceil(input.width / stride)
    if (b === down && c === across && a !== undefined) {
      return { output, stride, channels: a, channelsLast: false }
    }
    if (a === down && b === across && c !== undefined) {
      return { output, stride, channels: c, channelsLast: true }
    }
  }
  return undefined
}
