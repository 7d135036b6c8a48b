import { ANCHORS } from '../families/yolo/yolov5-raw.ts'
import type { Contract, ContractInput, ContractOutput, Geometry } from '../model/contract.ts'
import { isRecord } from '../system/record.ts'

/** What a contract can get wrong without an error. Boxes are settled first: the rest is judged by them. */
export const DIMENSIONS = ['boxes', 'scale', 'colour', 'geometry'] as const
export type Dimension = (typeof DIMENSIONS)[number]

/** One way of reading the model, differing from the contract in one respect. */
export interface Variant {
  dimension: Dimension
  /** For people, e.g. `BGR`. */
  name: string
  contract: Contract
  /** True for the reading of the contract itself. */
  isCurrent: boolean
  /** The same as arguments of `--set`. */
  set: string[]
}

type Triple = [number, number, number]

/** All readings of one dimension, the contract's own first. Empty when there is nothing to choose. */
export function variantsOf(dimension: Dimension, contract: Contract): Variant[] {
  const alternatives = BUILDERS[dimension](contract)
  if (alternatives.length === 0) {
    return []
  }
  const current = {
    dimension,
    name: NAMES[dimension](contract),
    contract,
    isCurrent: true,
    set: [],
  }
  const own = fingerprint(contract)
  return [current, ...alternatives.filter((variant) => fingerprint(variant.contract) !== own)]
}

const fingerprint = ({ input, output }: Contract): string => JSON.stringify([input, output])

const BUILDERS: Record<Dimension, (contract: Contract) => Variant[]> = {
  colour: colours,
  scale: scales,
  geometry: geometries,
  boxes,
}

const NAMES: Record<Dimension, (contract: Contract) => string> = {
  colour: ({ input }) => input.colour,
  scale: ({ input }) => scaleName(input),
  geometry: ({ input }) => geometryName(input.geometry),
  boxes: ({ output }) => boxesName(output),
}

/** Mean and deviation belong to the channels, so they turn round with them. */
function colours(contract: Contract): Variant[] {
  const { colour, mean, std } = contract.input
  if (colour === 'grey') {
    return []
  }
  const other = colour === 'RGB' ? 'BGR' : 'RGB'
  return [inputVariant(contract, 'colour', other, { colour: other, mean: turned(mean), std: turned(std) })]
}

const turned = ([a, b, c]: Triple): Triple => [c, b, a]

const IMAGENET_MEAN: Triple = [123.675, 116.28, 103.53]
const IMAGENET_STD: Triple = [58.395, 57.12, 57.375]

/** Name, mean and deviation on 0–255, red first. */
const SCALES: readonly (readonly [string, Triple, Triple])[] = [
  ['0–1', [0, 0, 0], [255, 255, 255]],
  ['0–255', [0, 0, 0], [1, 1, 1]],
  ['−1…1', [127.5, 127.5, 127.5], [127.5, 127.5, 127.5]],
  ['ImageNet mean and deviation', IMAGENET_MEAN, IMAGENET_STD],
]

/** Integer inputs take bytes; there is nothing to scale. */
function scales(contract: Contract): Variant[] {
  const { dtype, colour } = contract.input
  if (dtype === 'uint8' || dtype === 'int8') {
    return []
  }
  const own = scaleName(contract.input)
  return SCALES.filter(([name]) => name !== own).map(([name, mean, std]) =>
    inputVariant(
      contract,
      'scale',
      name,
      colour === 'BGR' ? { mean: turned(mean), std: turned(std) } : { mean, std },
    ),
  )
}

function scaleName({ mean, std, colour }: ContractInput): string {
  const [redMean, redStd] = colour === 'BGR' ? [turned(mean), turned(std)] : [mean, std]
  const near = (a: Triple, b: Triple) => a.every((value, i) => Math.abs(value - b[i]!) <= 1)
  const known = SCALES.find(([, m, s]) => near(m, redMean) && near(s, redStd))
  return known?.[0] ?? `mean ${mean.join(', ')}, deviation ${std.join(', ')}`
}

const pad = (grey: number): Triple => [grey, grey, grey]

const GEOMETRIES: readonly Pick<Geometry, 'fit' | 'align' | 'pad'>[] = [
  { fit: 'letterbox', align: 'centre', pad: pad(114) },
  { fit: 'letterbox', align: 'top-left', pad: pad(114) },
  { fit: 'letterbox', align: 'centre', pad: pad(0) },
  { fit: 'letterbox', align: 'top-left', pad: pad(0) },
  { fit: 'stretch', align: 'top-left', pad: pad(0) },
]

/** A graph that resizes inside takes the picture as it is. */
function geometries(contract: Contract): Variant[] {
  const { geometry } = contract.input
  if (geometry.fit === 'none') {
    return []
  }
  return GEOMETRIES.filter((other) => geometryName(other) !== geometryName(geometry)).map((other) =>
    inputVariant(contract, 'geometry', geometryName(other), { geometry: { ...geometry, ...other } }),
  )
}

const geometryName = ({
  fit,
  align,
  pad: [red, green, blue],
}: Pick<Geometry, 'fit' | 'align' | 'pad'>): string =>
  fit === 'letterbox' ? `letterbox ${align}, padded ${red},${green},${blue}` : fit

const CODES: readonly ContractOutput['boxCode'][] = ['xyxy', 'cxcywh', 'yxyx', 'xywh']
const UNITS: readonly ContractOutput['boxUnits'][] = ['pixels', 'ratio']

/** Codes and units of decoded boxes, decoded or not for the heads that come either way, anchor sets for raw ones. */
function boxes(contract: Contract): Variant[] {
  const { output } = contract
  const { boxCode, boxUnits, options } = output
  const variants: Variant[] = []
  if (options.anchors !== undefined && contract.family === 'yolov5-raw') {
    const levels = (options.strides as unknown[] | undefined)?.length
    for (const [name, anchors] of Object.entries(ANCHORS)) {
      if (anchors.length !== levels) {
        continue
      }
      variants.push(outputVariant(contract, `anchors of ${name}`, { options: { ...options, anchors } }))
    }
  }
  if (typeof options.decoded === 'boolean') {
    const decoded = !options.decoded
    const code = decoded ? (contract.family === 'ultraface' ? 'xyxy' : 'cxcywh') : 'head'
    variants.push(
      outputVariant(contract, decoded ? 'decoded inside' : 'raw', {
        boxCode: code,
        options: { ...options, decoded },
      }),
    )
  }
  if (boxCode === 'head') {
    return variants
  }
  for (const units of UNITS) {
    for (const code of CODES) {
      if (code === boxCode && units === boxUnits) {
        continue
      }
      const changed = { boxCode: code, boxUnits: units }
      variants.push(outputVariant(contract, boxesName({ ...output, ...changed }), changed))
    }
  }
  return variants
}

function boxesName({ boxCode, boxUnits, options }: ContractOutput): string {
  if (boxCode !== 'head') {
    return `${boxCode} in ${boxUnits}`
  }
  const set = Object.entries(ANCHORS).find(([, anchors]) => same(anchors, options.anchors))?.[0]
  return set === undefined ? 'raw' : `anchors of ${set}`
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

function inputVariant(
  contract: Contract,
  dimension: Dimension,
  name: string,
  changed: Partial<ContractInput>,
): Variant {
  const set = settings('input', contract.input, changed)
  return {
    dimension,
    name,
    isCurrent: false,
    set,
    contract: { ...contract, input: { ...contract.input, ...changed } },
  }
}

function outputVariant(contract: Contract, name: string, changed: Partial<ContractOutput>): Variant {
  const set = settings('output', contract.output, changed)
  const output = { ...contract.output, ...changed }
  return { dimension: 'boxes', name, isCurrent: false, set, contract: { ...contract, output } }
}

/** `path=value` for everything that differs. */
export function settings(path: string, from: object, to: object): string[] {
  return Object.entries(to).flatMap(([key, value]) => {
    const before = (from as Record<string, unknown>)[key]
    if (same(before, value)) {
      return []
    }
    if (isRecord(value) && typeof before === 'object' && before !== null) {
      return settings(`${path}.${key}`, before, value)
    }
    return [`${path}.${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`]
  })
}
