/**
 * The COCO metrics by the definition of pycocotools (`COCOeval.accumulate` and `summarize`, type "bbox"),
 * equal to it in every number. One difference is intended: pycocotools takes an object whose annotation id
 * is 0 for "no match"; here an id of 0 is like any other.
 */

import { type AreaResult, accumulate, recallAt } from './coco-accumulate.ts'
import {
  AREA_NAMES,
  type AreaName,
  MAX_DETECTIONS,
  type MatchTable,
  matchCoco,
  RECALL_THRESHOLDS,
} from './coco-match.ts'
import type { EvaluationInput } from './tables.ts'

/** The twelve numbers, each 0–1, in pycocotools' order. −1 where no ground truth counts. */
export interface CocoStats {
  ap: number
  ap50: number
  ap75: number
  apSmall: number
  apMedium: number
  apLarge: number
  ar1: number
  ar10: number
  ar100: number
  arSmall: number
  arMedium: number
  arLarge: number
}

export interface ClassMetrics {
  /** Index of the category. */
  category: number
  ap: number
  ap50: number
  ap75: number
  apSmall: number
  apMedium: number
  apLarge: number
  ar1: number
  ar10: number
  ar100: number
  counts: ClassCounts
  /** Precision at recall 0.00, 0.01 … 1.00 and IoU 0.50; empty without ground truth. */
  precision50: Float64Array
}

/** What lies behind the numbers of a class, at IoU 0.50 and all scores. */
export interface ClassCounts {
  /** Objects that count, and those of each size. */
  truths: number
  small: number
  medium: number
  large: number
  /** Objects that do not count: crowds and difficult ones. */
  ignoredTruths: number
  /** Detections among the 100 best of their picture and class. */
  detections: number
  truePositives: number
  falsePositives: number
  /** Detections on ignored objects. */
  ignoredDetections: number
  falseNegatives: number
}

export interface CocoMetrics {
  stats: CocoStats
  classes: ClassMetrics[]
  matches: MatchTable
}

/** Average precision and recall of one category in one area range. */
export function evaluateCoco(input: EvaluationInput): CocoMetrics {
  const matches = matchCoco(input)
  const ignoredTruths = countIgnored(input)
  const sums = new Means()
  const classes: ClassMetrics[] = []
  for (let category = 0; category < input.categories; category++) {
    const rows = matches.order.subarray(
      matches.categoryStarts[category],
      matches.categoryStarts[category + 1],
    )
    const precision50 = new Float64Array(
      matches.areas.all.truths[category]! > 0 ? RECALL_THRESHOLDS.length : 0,
    )
    const areas = {} as Record<AreaName, AreaResult>
    for (const name of AREA_NAMES) {
      const at = matches.areas[name]
      const curve = name === 'all' ? precision50 : undefined
      areas[name] = accumulate(rows, at, at.truths[category]!, curve)
    }
    const recalls = MAX_DETECTIONS.map((most) => recallAt(rows, matches, category, most))
    sums.add(areas, recalls)
    classes.push({
      category,
      ap: mean(areas.all.ap),
      ap50: areas.all.ap?.[0] ?? -1,
      ap75: areas.all.ap?.[5] ?? -1,
      apSmall: mean(areas.small.ap),
      apMedium: mean(areas.medium.ap),
      apLarge: mean(areas.large.ap),
      ar1: mean(recalls[0]),
      ar10: mean(recalls[1]),
      ar100: mean(recalls[2]),
      counts: countClass(rows, matches, category, ignoredTruths[category]!),
      precision50,
    })
  }
  return { stats: sums.stats(), classes, matches }
}

function countIgnored({ categories, truth }: EvaluationInput): Uint32Array {
  const ignored = new Uint32Array(categories)
  for (let row = 0; row < truth.count; row++) {
    if (truth.crowd[row] || truth.ignore[row]) {
      ignored[truth.category[row]!]!++
    }
  }
  return ignored
}

function countClass(
  rows: Uint32Array,
  matches: MatchTable,
  category: number,
  ignoredTruths: number,
): ClassCounts {
  const { areas } = matches
  let truePositives = 0
  let ignoredDetections = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (areas.all.ignored[row]! & 1) {
      ignoredDetections++
    } else if (areas.all.matched[row]! & 1) {
      truePositives++
    }
  }
  const truths = areas.all.truths[category]!
  return {
    truths,
    small: areas.small.truths[category]!,
    medium: areas.medium.truths[category]!,
    large: areas.large.truths[category]!,
    ignoredTruths,
    detections: rows.length,
    truePositives,
    falsePositives: rows.length - ignoredDetections - truePositives,
    ignoredDetections,
    falseNegatives: truths - truePositives,
  }
}

const mean = (values: Float64Array | undefined): number =>
  values === undefined ? -1 : values.reduce((sum, value) => sum + value, 0) / values.length

/** Means over the categories that have ground truth, each kept by the name of its number. */
class Means {
  readonly #values = new Map<keyof CocoStats, number[]>()

  add(areas: Record<AreaName, AreaResult>, recalls: (Float64Array | undefined)[]): void {
    this.#push('ap', areas.all.ap)
    this.#push('ap50', areas.all.ap?.subarray(0, 1))
    this.#push('ap75', areas.all.ap?.subarray(5, 6))
    this.#push('apSmall', areas.small.ap)
    this.#push('apMedium', areas.medium.ap)
    this.#push('apLarge', areas.large.ap)
    this.#push('ar1', recalls[0])
    this.#push('ar10', recalls[1])
    this.#push('ar100', recalls[2])
    this.#push('arSmall', areas.small.recall)
    this.#push('arMedium', areas.medium.recall)
    this.#push('arLarge', areas.large.recall)
  }

  stats(): CocoStats {
    const of = (name: keyof CocoStats) => {
      const values = this.#values.get(name) ?? []
      return values.length === 0 ? -1 : values.reduce((sum, value) => sum + value, 0) / values.length
    }
    return {
      ap: of('ap'),
      ap50: of('ap50'),
      ap75: of('ap75'),
      apSmall: of('apSmall'),
      apMedium: of('apMedium'),
      apLarge: of('apLarge'),
      ar1: of('ar1'),
      ar10: of('ar10'),
      ar100: of('ar100'),
      arSmall: of('arSmall'),
      arMedium: of('arMedium'),
      arLarge: of('arLarge'),
    }
  }

  #push(name: keyof CocoStats, values: Float64Array | undefined): void {
    if (values === undefined) {
      return
    }
    const list = this.#values.get(name)
    if (list === undefined) {
      this.#values.set(name, [mean(values)])
    } else {
      list.push(mean(values))
    }
  }
}
