import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { describeInput, letterbox, type Preprocess } from '../heads/preprocess.ts'
import { fixed, gridCells } from '../heads/shapes.ts'
import { mismatch, roleValues } from '../heads/values.ts'

const STRIDES = [8, 16, 32]
const POINTS = 5

/** source  opencv `modules/objdetect/src/face_detect.cpp`: blobFromImage of a BGR picture, padded right and below. */
const PREPROCESS: Preprocess = {
  colour: 'BGR',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  geometry: letterbox('top-left', 0),
  size: { width: 640, height: 640 },
  stride: 32,
}

/**
 * YuNet since 2023: faces with five landmarks, four outputs for each of the strides 8, 16, 32.
 *
 * class0…2       float [1, cells, 1], 0–1
 * objectness0…2  float [1, cells, 1], 0–1; score = √(class · objectness)
 * box0…2         float [1, cells, 4]: centre = (cell + v) · stride, size = exp(v) · stride
 * points0…2      float [1, cells, 10]: x, y of right eye, left eye, nose, right and left corner of the mouth,
 *                (cell + v) · stride
 * source         opencv `modules/objdetect/src/face_detect.cpp` postProcess
 * cost           RGB by mistake loses the second of two faces
 */
export const yunet: Family = {
  name: 'yunet',
  title: 'YuNet',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const { input } = context.letterbox
  const list = new CandidateList()
  const points: number[] = []
  for (const [level, stride] of STRIDES.entries()) {
    const classes = roleValues(outputs, `class${level}`, context)
    const objectness = roleValues(outputs, `objectness${level}`, context)
    const boxes = roleValues(outputs, `box${level}`, context)
    const marks = roleValues(outputs, `points${level}`, context)
    const across = Math.floor(input.width / stride)
    const cells = across * Math.floor(input.height / stride)
    if (classes.length !== cells || boxes.length !== cells * 4 || marks.length !== cells * 2 * POINTS) {
      throw mismatch(`${cells} cells for stride ${stride}`, `${classes.length}`)
    }
    for (let cell = 0; cell < cells; cell++) {
      const score = Math.sqrt(unit(classes[cell]!) * unit(objectness[cell]!))
      if (score < context.minScore) {
        continue
      }
      const column = cell % across
      const row = Math.floor(cell / across)
      const at = cell * 4
      const x = (column + boxes[at]!) * stride
      const y = (row + boxes[at + 1]!) * stride
      const halfWidth = (Math.exp(boxes[at + 2]!) * stride) / 2
      const halfHeight = (Math.exp(boxes[at + 3]!) * stride) / 2
      list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, 0, cell)
      for (let k = cell * 2 * POINTS; k < (cell + 1) * 2 * POINTS; k += 2) {
        points.push((column + marks[k]!) * stride, (row + marks[k + 1]!) * stride, 1)
      }
    }
  }
  return { ...list.finish('input'), keypoints: { perCandidate: POINTS, values: Float32Array.from(points) } }
}

const unit = (value: number): number => Math.min(Math.max(value, 0), 1)

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.outputs.length !== 4 * STRIDES.length) {
    return undefined
  }
  if (signature.inputs.length > 1) {
    return undefined
  }
  const named = namedRoles(signature)
  const roles = named ?? shapedRoles(signature, described.input.size)
  if (roles === undefined) {
    return undefined
  }
  return describe(
    {
      family: 'yunet',
      confidence: named === undefined ? 0.85 : 0.97,
      input: described.input,
      roles,
      boxCode: 'head',
      classes: 1,
      score: 0.6,
      suppression: perClass(0.3),
      labels: ['face'],
      evidence: [
        evidence(
          'output',
          'class, objectness, box and five landmarks for each cell of strides 8, 16, 32',
          named === undefined
            ? 'twelve outputs with 1, 1, 4 and 10 columns'
            : 'the outputs are named cls, obj, bbox and kps',
          named === undefined ? 0.85 : 0.98,
        ),
        evidence(
          'input',
          'BGR 0–255, letterbox at the top left padded with black',
          'OpenCV, which YuNet is made for, feeds it so',
          0.9,
        ),
      ],
    },
    signature.outputs,
  )
}

const KINDS: [role: string, name: RegExp, columns: number][] = [
  ['class', /^cls_(\d+)$/, 1],
  ['objectness', /^obj_(\d+)$/, 1],
  ['box', /^bbox_(\d+)$/, 4],
  ['points', /^kps_(\d+)$/, 2 * POINTS],
]

function namedRoles({ outputs }: ModelSignature): Record<string, string> | undefined {
  const roles: Record<string, string> = {}
  for (const [role, name] of KINDS) {
    for (const [level, stride] of STRIDES.entries()) {
      const output = outputs.find((one) => name.exec(one.name)?.[1] === String(stride))
      if (output === undefined) {
        return undefined
      }
      roles[`${role}${level}`] = output.name
    }
  }
  return roles
}

/** Class and objectness are multiplied, so which of the two comes first does not matter. */
function shapedRoles(
  { outputs }: ModelSignature,
  size: { width: number; height: number },
): Record<string, string> | undefined {
  const left = new Set<TensorInfo>(outputs)
  const roles: Record<string, string> = {}
  for (const [role, , columns] of KINDS) {
    for (const [level, stride] of STRIDES.entries()) {
      const cells = gridCells(size, [stride])
      const output = [...left].find(
        ({ shape }) => fixed(shape?.at(-1)) === columns && (fixed(shape?.at(-2)) ?? cells) === cells,
      )
      if (output === undefined) {
        return undefined
      }
      left.delete(output)
      roles[`${role}${level}`] = output.name
    }
  }
  return roles
}
