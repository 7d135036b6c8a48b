import type { Size } from '../boxes/box.ts'
import { clip, toRatio } from '../boxes/box.ts'
import type { Detection } from '../boxes/detection.ts'
import { ancestorCategory, ancestorsOf, labelEntry } from './rekognition-labels.ts'
import type { BoundingBox, CustomLabel, Label } from './rekognition-schema.ts'

export interface LabelFilters {
  LabelInclusionFilters?: readonly string[] | undefined
  LabelExclusionFilters?: readonly string[] | undefined
  LabelCategoryInclusionFilters?: readonly string[] | undefined
  LabelCategoryExclusionFilters?: readonly string[] | undefined
}

/**
 * Detections as the labels of DetectLabels: one label a class with its instances, and one for each ancestor.
 * An ancestor has no boxes of its own and the confidence of the best thing below it, as in the service.
 */
export function toLabels(detections: readonly Detection[], image: Size): Label[] {
  const labels = new Map<string, Label>()
  const named = (Name: string, category: string): Label => {
    let label = labels.get(Name)
    if (label === undefined) {
      const Categories = category === '' ? [] : [{ Name: category }]
      label = { Name, Confidence: 0, Instances: [], Parents: [], Aliases: [], Categories }
      labels.set(Name, label)
    }
    return label
  }
  for (const { label: own, score, box } of detections) {
    const entry = labelEntry(own)
    const confidence = toPercent(score)
    const label = named(entry.name, entry.category)
    label.Parents = entry.parents.map((Name) => ({ Name }))
    label.Aliases = entry.aliases.map((Name) => ({ Name }))
    label.Confidence = Math.max(label.Confidence, confidence)
    label.Instances.push({
      BoundingBox: toBoundingBox(box, image),
      Confidence: confidence,
      DominantColors: [],
    })
    for (const name of entry.parents) {
      const ancestor = named(name, ancestorCategory(name, entry.category))
      ancestor.Parents = ancestorsOf(name).map((Name) => ({ Name }))
      ancestor.Confidence = Math.max(ancestor.Confidence, confidence)
    }
  }
  return [...labels.values()].sort((a, b) => b.Confidence - a.Confidence)
}

/** Keeps what the filters ask for: any inclusion that matches lets a label in, any exclusion keeps it out. */
export function filterLabels(labels: readonly Label[], filters: LabelFilters): Label[] {
  const names = (list: readonly string[] | undefined) => new Set(list?.map((name) => name.toLowerCase()))
  const include = names(filters.LabelInclusionFilters)
  const exclude = names(filters.LabelExclusionFilters)
  const includeCategories = names(filters.LabelCategoryInclusionFilters)
  const excludeCategories = names(filters.LabelCategoryExclusionFilters)
  const inAny = (label: Label, set: Set<string>) =>
    label.Categories.some(({ Name }) => set.has(Name.toLowerCase()))
  return labels.filter((label) => {
    const name = label.Name.toLowerCase()
    if (exclude.has(name) || inAny(label, excludeCategories)) {
      return false
    }
    if (include.size === 0 && includeCategories.size === 0) {
      return true
    }
    return include.has(name) || inAny(label, includeCategories)
  })
}

/** Detections as DetectCustomLabels gives them: one entry a box, named as the model names it. */
export const toCustomLabels = (detections: readonly Detection[], image: Size): CustomLabel[] =>
  detections.map(({ label, score, box }) => ({
    Name: label,
    Confidence: toPercent(score),
    Geometry: { BoundingBox: toBoundingBox(box, image) },
  }))

const toPercent = (score: number): number => Math.min(100, Math.max(0, score * 100))

function toBoundingBox(box: Detection['box'], image: Size): BoundingBox {
  const { left, top, width, height } = toRatio(clip(box, image), image)
  return { Width: width, Height: height, Left: left, Top: top }
}
