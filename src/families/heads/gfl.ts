import type { Size } from '../../boxes/box.ts'
import type { Candidates } from '../../boxes/detection.ts'
import type { Evidence } from '../../model/contract.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from './candidates.ts'
import { declaredAxes, describe, evidence, namesFit, perClass } from './describe.ts'
import { strideOptions, wholeOption } from './options.ts'
import { describeInput, type Preprocess } from './preprocess.ts'
import { argmax, takeClasses } from './rows.ts'
import { mismatch, roleValues } from './values.ts'

/** Where the centre of a cell lies, in strides from its corner. */
export type CellCentre = 0 | 0.5

/**
 * Distances as distributions (Generalised Focal Loss): four sides of `bins` logits each; the side is the
 * expectation of their softmax, in strides. `step` values lie between one logit and the next.
 */
export function expectation(values: Float32Array, from: number, bins: number, step = 1): number {
  let most = values[from]!
  for (let i = 1; i < bins; i++) {
    most = Math.max(most, values[from + i * step]!)
  }
  let sum = 0
  let weighted = 0
  for (let i = 0; i < bins; i++) {
    const e = Math.exp(values[from + i * step]! - most)
    sum += e
    weighted += i * e
  }
  return weighted / sum
}

export interface GflLevel {
  stride: number
  /** Row-major, `classes` scores a row at `classFrom`, `4 · bins` logits a row at `boxFrom`. */
  scores: Float32Array
  scoreStep: number
  classFrom: number
  distances: Float32Array
  distanceStep: number
  boxFrom: number
}

/**
 * Reads one level: cells in row-major order, left, top, right, bottom from the cell's centre, times the stride.
 *
 * cost  the centre of one family used for another shifts every box by half a stride: a point or two of AP,
 *       most of it on small objects
 */
export function decodeGflLevel(
  level: GflLevel,
  shape: { input: Size; bins: number; centre: CellCentre },
  context: DecodeContext,
  list: CandidateList,
): void {
  const { stride, scores, distances } = level
  const { input, bins, centre } = shape
  const { classes } = context.contract.output
  const across = Math.ceil(input.width / stride)
  const cells = across * Math.ceil(input.height / stride)
  for (let cell = 0; cell < cells; cell++) {
    const from = level.classFrom + cell * level.scoreStep
    if (!(scores[from + argmax(scores, from, classes)]! >= context.minScore)) {
      continue
    }
    const x = ((cell % across) + centre) * stride
    const y = (Math.floor(cell / across) + centre) * stride
    const at = level.boxFrom + cell * level.distanceStep
    const x1 = x - expectation(distances, at, bins) * stride
    const y1 = y - expectation(distances, at + bins, bins) * stride
    const x2 = x + expectation(distances, at + 2 * bins, bins) * stride
    const y2 = y + expectation(distances, at + 3 * bins, bins) * stride
    takeClasses(scores, from, 1, context, (classId, score) => list.add(x1, y1, x2, y2, score, classId, cell))
  }
}

/** Reads `scores0…N` [1, cells, classes] and `distances0…N` [1, cells, 4 · bins], one pair for each stride. */
export function decodeGflPairs(outputs: RoleTensors, context: DecodeContext, centre: CellCentre): Candidates {
  const { classes } = context.contract.output
  const strides = strideOptions(context)
  const bins = wholeOption(context, 'bins')
  const { input } = context.letterbox
  const list = new CandidateList()
  for (const [index, stride] of strides.entries()) {
    const scores = roleValues(outputs, `scores${index}`, context)
    const distances = roleValues(outputs, `distances${index}`, context)
    const cells = Math.ceil(input.width / stride) * Math.ceil(input.height / stride)
    if (scores.length !== cells * classes || distances.length !== cells * 4 * bins) {
      throw mismatch(
        `${cells} cells of ${classes} scores and ${4 * bins} bins for stride ${stride}`,
        `${scores.length} and ${distances.length} values`,
      )
    }
    decodeGflLevel(
      {
        stride,
        scores,
        scoreStep: classes,
        classFrom: 0,
        distances,
        distanceStep: 4 * bins,
        boxFrom: 0,
      },
      { input, bins, centre },
      context,
      list,
    )
  }
  return list.finish('input')
}

export interface GflPairs {
  roles: Record<string, string>
  strides: number[]
  classes: number
  bins: number
}

/** Bins of a side: reg_max 7 or 16 with both ends. */
const USUAL_BINS = [8, 17]

/**
 * Pairs the outputs of a head with one class map and one distance map a stride. Both have one row a cell, so
 * the rows tell the stride and the columns the kind; names are not needed.
 */
function gflPairs(signature: ModelSignature, input: Size): GflPairs | undefined {
  const count = signature.outputs.length
  if (count < 6 || count > 10 || count % 2 !== 0) {
    return undefined
  }
  const all = signature.outputs.map((output) => {
    const [rows, columns] = declaredAxes(output, 2) ?? []
    return { output, stride: strideOf(rows, input), columns: columns ?? 0 }
  })
  if (all.some(({ stride, columns }) => stride === undefined || columns === 0)) {
    return undefined
  }
  const levels = groupByStride(all)
  const strides = [...levels.keys()].sort((a, b) => a - b)
  const isPaired = [...levels.values()].every((level) => level.length === 2)
  if (!isPaired) {
    return undefined
  }
  const roles: Record<string, string> = {}
  let classes = 0
  let bins = 0
  for (const [index, stride] of strides.entries()) {
    const [first, second] = levels.get(stride) as [Entry, Entry]
    // Class maps come first in every known export; that only decides when 32 classes meet 32 bins.
    const swapped = isDistances(first.columns) && !isDistances(second.columns)
    const [scores, distances] = swapped ? [second, first] : [first, second]
    if (!isDistances(distances.columns)) {
      return undefined
    }
    if (index > 0 && (classes !== scores.columns || bins !== distances.columns / 4)) {
      return undefined
    }
    classes = scores.columns
    bins = distances.columns / 4
    roles[`scores${index}`] = scores.output.name
    roles[`distances${index}`] = distances.output.name
  }
  return { roles, strides, classes, bins }
}

interface Entry {
  output: TensorInfo
  stride: number | undefined
  columns: number
}

const isDistances = (columns: number): boolean => USUAL_BINS.includes(columns / 4)

function groupByStride(entries: readonly Entry[]): Map<number, Entry[]> {
  const groups = new Map<number, Entry[]>()
  for (const entry of entries) {
    const group = groups.get(entry.stride!)
    if (group === undefined) {
      groups.set(entry.stride!, [entry])
    } else {
      group.push(entry)
    }
  }
  return groups
}

const STRIDES = [4, 8, 16, 32, 64, 128]

const strideOf = (rows: number | undefined, input: Size): number | undefined =>
  STRIDES.find((stride) => Math.ceil(input.width / stride) * Math.ceil(input.height / stride) === rows)

/** What tells two families apart whose heads have the same shape. */
export interface GflFamily {
  family: string
  preprocess: Preprocess
  /** What the pairs and names say; undefined where it is the other family. */
  judge(
    levels: number,
    signature: ModelSignature,
  ): { confidence: number; heads: string; headsConfidence: number; input: Evidence } | undefined
}

/** Recognises a head of one class map and one distance map a stride, already 0–1. */
export function recogniseGfl(
  signature: ModelSignature,
  { family, preprocess, judge }: GflFamily,
): Recognition | undefined {
  const described = describeInput(signature, preprocess)
  if (described === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const pairs = gflPairs(signature, described.input.size)
  const judged = pairs && judge(pairs.strides.length, signature)
  if (pairs === undefined || judged === undefined || !namesFit(signature, pairs.classes)) {
    return undefined
  }
  const { classes, strides, bins, roles } = pairs
  return describe(
    {
      family,
      confidence: judged.confidence,
      input: described.input,
      roles,
      boxCode: 'head',
      classes,
      options: { strides, bins },
      score: 0.35,
      suppression: perClass(0.6),
      evidence: [
        evidence(
          'output',
          `${classes} class scores and four distances of ${bins} bins per cell of strides ${strides.join(', ')}`,
          `${signature.outputs.length} outputs pair up by their number of rows${judged.heads}`,
          judged.headsConfidence,
        ),
        judged.input,
      ],
    },
    signature.outputs,
  )
}
