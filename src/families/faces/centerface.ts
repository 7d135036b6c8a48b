import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { mapValues } from '../heads/maps.ts'
import { describeInput, type Preprocess, stretch } from '../heads/preprocess.ts'
import { fixed, tailOf } from '../heads/shapes.ts'

const STRIDE = 4
const POINTS = 5
/** Channels of the four maps, in the order of the file. */
const CHANNELS = [1, 2, 2, 2 * POINTS]
/** The network halves five times. */
const INPUT_STRIDE = 32
/** The file is traced with 32 × 32; no picture is meant to be so small. */
const NOMINAL_EDGE = 64
/** Larger pictures are reduced to this, so that one of a camera does not take gigabytes. */
const LONGEST_EDGE = 1920

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  geometry: stretch(),
  size: { width: 640, height: 640 },
  stride: INPUT_STRIDE,
}

/**
 * CenterFace: faces with five landmarks by a heat map of their middles.
 *
 * heatmap    float [1, 1, h, w], probabilities, stride 4
 * scale      float [1, 2, h, w]: logarithm of height and width in cells
 * offset     float [1, 2, h, w]: y and x of the middle within its cell
 * landmarks  float [1, 10, h, w]: y and x of each point as fractions of the box
 * source     Star-Clouds/CenterFace `prj-python/centerface.py`
 * note       the shape that the file declares is the one it was traced with; the network takes any multiple of 32
 * cost       height comes before width: read the other way round, faces lie on their sides
 */
export const centerface: Family = {
  name: 'centerface',
  title: 'CenterFace',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const heat = mapValues(outputs, context, 'heatmap', 1, STRIDE)
  const scale = mapValues(outputs, context, 'scale', 2, STRIDE)
  const offset = mapValues(outputs, context, 'offset', 2, STRIDE)
  const marks = mapValues(outputs, context, 'landmarks', 2 * POINTS, STRIDE)
  const list = new CandidateList()
  const points: number[] = []
  for (let cell = 0; cell < heat.across * heat.down; cell++) {
    const score = heat.values[cell * heat.next]!
    if (!(score >= context.minScore)) {
      continue
    }
    const read = ({ values, next, step }: typeof heat, channel: number) =>
      values[cell * next + channel * step]!
    const height = Math.exp(read(scale, 0)) * STRIDE
    const width = Math.exp(read(scale, 1)) * STRIDE
    const y1 = (Math.floor(cell / heat.across) + read(offset, 0) + 0.5) * STRIDE - height / 2
    const x1 = ((cell % heat.across) + read(offset, 1) + 0.5) * STRIDE - width / 2
    list.add(x1, y1, x1 + width, y1 + height, score, 0, cell)
    for (let point = 0; point < POINTS; point++) {
      points.push(x1 + read(marks, 2 * point + 1) * width, y1 + read(marks, 2 * point) * height, 1)
    }
  }
  return {
    ...list.finish('input'),
    keypoints: { perCandidate: POINTS, values: Float32Array.from(points) },
  }
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  const { outputs } = signature
  if (described === undefined || outputs.length !== CHANNELS.length || signature.inputs.length > 1) {
    return undefined
  }
  const { picture, input } = described
  if (picture.layout !== 'NCHW' || !outputs.every((output, i) => isMap(output, CHANNELS[i]!, picture))) {
    return undefined
  }
  const [heatmap, scale, offset, landmarks] = outputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo]
  const layers = outputs.map(({ name }) => tailOf(signature, name)?.weightedChannels ?? [])
  const isProven = layers.every(([width], i) => width === CHANNELS[i])
  const isSigmoid = tailOf(signature, heatmap.name)?.ops.includes('Sigmoid') === true
  if (layers.some((some) => some.length > 0) && !(isProven && isSigmoid)) {
    return undefined
  }
  const isNominal = (picture.width ?? 0) < NOMINAL_EDGE && (picture.height ?? 0) < NOMINAL_EDGE
  return describe(
    {
      family: 'centerface',
      confidence: isProven ? 0.95 : 0.75,
      input: isNominal
        ? {
            ...input,
            size: { ...PREPROCESS.size },
            dynamic: { stride: INPUT_STRIDE },
            geometry: { ...input.geometry, fit: 'none', longestEdge: LONGEST_EDGE },
          }
        : input,
      roles: {
        heatmap: heatmap.name,
        scale: scale.name,
        offset: offset.name,
        landmarks: landmarks.name,
      },
      boxCode: 'head',
      classes: 1,
      score: 0.5,
      suppression: perClass(0.3),
      labels: ['face'],
      evidence: [
        evidence(
          'output',
          'a heat map of faces with their sizes, offsets and landmarks',
          `four maps of stride ${STRIDE} with 1, 2, 2 and 10 channels`,
          isProven ? 0.95 : 0.75,
        ),
        evidence(
          'input',
          `RGB 0–255, ${isNominal ? 'as large as it is' : 'stretched'}`,
          'CenterFace is fed so',
          0.85,
        ),
        ...(isNominal
          ? [
              evidence(
                'input.dynamic',
                'any size',
                `the declared ${picture.width ?? 'free'}×${picture.height ?? 'free'} is what the file was traced with: no face fits into it`,
                0.9,
              ),
            ]
          : []),
      ],
    },
    signature.outputs,
  )
}

function isMap(
  { shape }: TensorInfo,
  channels: number,
  picture: { width: number | undefined; height: number | undefined },
): boolean {
  const [, found, down, across] = (shape ?? []).map(fixed)
  const fits = (edge: number | undefined, whole: number | undefined) =>
    edge === undefined || whole === undefined || edge === Math.ceil(whole / STRIDE)
  return (
    shape?.length === 4 && found === channels && fits(down, picture.height) && fits(across, picture.width)
  )
}
