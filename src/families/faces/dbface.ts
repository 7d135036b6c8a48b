import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { type DeclaredMap, declaredMap, isPeak, mapValues } from '../heads/maps.ts'
import { describeInput, letterbox, type Preprocess } from '../heads/preprocess.ts'
import { tailOf } from '../heads/shapes.ts'

const STRIDE = 4
const POINTS = 5
const LANDMARK_FACTOR = 4

const PREPROCESS: Preprocess = {
  colour: 'BGR',
  mean: [0.408 * 255, 0.447 * 255, 0.47 * 255],
  std: [0.289 * 255, 0.274 * 255, 0.278 * 255],
  geometry: letterbox('top-left', 0),
  size: { width: 640, height: 640 },
  stride: 32,
}

/**
 * DBFace: faces with five landmarks by a heat map of their middles.
 *
 * heatmap    float, one channel of probabilities, stride 4; the peaks of 3 × 3 cells are faces
 * sides      float, four channels: left, top, right, bottom of the middle in cells, the exponential done
 * landmarks  float, ten channels: x of five points, then y, in cells from the middle by a signed exponential of 4 · v
 * options    channelsLast
 * source     dlunion/DBFace `main.py`, `common.py` exp
 * cost       x and y of the landmarks do not alternate, as elsewhere
 */
export const dbface: Family = {
  name: 'dbface',
  title: 'DBFace',
  recognise,
  decode,
}

/** Steep beyond 1, and through 0 between. */
function signedExp(value: number): number {
  if (Math.abs(value) < 1) {
    return value * Math.E
  }
  return value > 0 ? Math.exp(value) : -Math.exp(-value)
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const heat = mapValues(outputs, context, 'heatmap', 1, STRIDE)
  const sides = mapValues(outputs, context, 'sides', 4, STRIDE)
  const marks = mapValues(outputs, context, 'landmarks', 2 * POINTS, STRIDE)
  const list = new CandidateList()
  const points: number[] = []
  for (let cell = 0; cell < heat.across * heat.down; cell++) {
    const score = heat.values[cell * heat.next]!
    if (!(score >= context.minScore) || !isPeak(heat, cell)) {
      continue
    }
    const x = cell % heat.across
    const y = Math.floor(cell / heat.across)
    const read = ({ values, next, step }: typeof heat, channel: number) =>
      values[cell * next + channel * step]!
    list.add(
      (x - read(sides, 0)) * STRIDE,
      (y - read(sides, 1)) * STRIDE,
      (x + read(sides, 2)) * STRIDE,
      (y + read(sides, 3)) * STRIDE,
      score,
      0,
      cell,
    )
    for (let point = 0; point < POINTS; point++) {
      const left = signedExp(LANDMARK_FACTOR * read(marks, point))
      const top = signedExp(LANDMARK_FACTOR * read(marks, POINTS + point))
      points.push((x + left) * STRIDE, (y + top) * STRIDE, 1)
    }
  }
  return {
    ...list.finish('input'),
    keypoints: { perCandidate: POINTS, values: Float32Array.from(points) },
  }
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.outputs.length !== 3 || signature.inputs.length > 1) {
    return undefined
  }
  const maps = signature.outputs.map((output) => declaredMap(output, described.input.size, STRIDE))
  const of = (channels: number) => maps.find((map) => map?.channels === channels)
  const found = [of(1), of(4), of(2 * POINTS)]
  if (found.some((map) => map === undefined)) {
    return undefined
  }
  const [heatmap, sides, landmarks] = found as [DeclaredMap, DeclaredMap, DeclaredMap]
  if (new Set(found.map((map) => map!.channelsLast)).size !== 1) {
    return undefined
  }
  const layers = [heatmap, sides, landmarks].map(
    ({ output, channels }) => [tailOf(signature, output.name)?.weightedChannels ?? [], channels] as const,
  )
  const isProven = layers.every(([widths, channels]) => widths.includes(channels))
  if (layers.some(([widths]) => widths.length > 0) && !isProven) {
    return undefined
  }
  return describe(
    {
      family: 'dbface',
      confidence: isProven ? 0.95 : 0.75,
      input: described.input,
      roles: {
        heatmap: heatmap.output.name,
        sides: sides.output.name,
        landmarks: landmarks.output.name,
      },
      boxCode: 'head',
      classes: 1,
      options: { channelsLast: heatmap.channelsLast },
      score: 0.4,
      suppression: perClass(0.5),
      labels: ['face'],
      evidence: [
        evidence(
          'output',
          'a heat map of faces with their four sides and five landmarks',
          `three maps of stride ${STRIDE} with 1, 4 and 10 channels`,
          isProven ? 0.95 : 0.75,
        ),
        evidence(
          'input',
          'BGR with mean (0.408, 0.447, 0.47) and deviation (0.289, 0.274, 0.278), letterbox at the top left',
          'DBFace is trained so',
          0.75,
        ),
      ],
    },
    signature.outputs,
  )
}
