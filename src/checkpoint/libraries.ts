import { ATTENTION } from './blocks/attention.ts'
import { BOTTLENECKS } from './blocks/bottlenecks.ts'
import { CROSS_LEVEL, type CrossLevel } from './blocks/cross-level.ts'
import { REPARAMETRIZED } from './blocks/reparametrized.ts'
import { RESAMPLING } from './blocks/resampling.ts'
import { STAGES } from './blocks/stages.ts'
import { TRANSFORMER } from './blocks/transformer.ts'
import { ANCHOR_HEADS } from './heads/anchors.ts'
import { CLASSIFIERS } from './heads/classify.ts'
import { ANCHOR_FREE_HEADS } from './heads/detect.ts'
import type { Head } from './heads/head.ts'
import { TRANSFORMER_HEADS } from './heads/rtdetr.ts'
import { torch } from './layers/torch.ts'
import type { Module } from './module.ts'
import type { Library } from './network/builder.ts'

/**
 * Packages whose classes are meant by these names: Ultralytics, and the repositories of YOLOv5 and YOLOv7, which
 * call theirs `models`. A class of the same name elsewhere may compute anything.
 */
const YOLO_PACKAGES = /^(?:ultralytics\.nn\.|(?:yolov5\.|yolov7\.)?models\.(?:common|yolo|experimental)\.)/

const yolo: Library = {
  holds: (type) => YOLO_PACKAGES.test(type),
  blocks: new Map([
    ...BOTTLENECKS,
    ...STAGES,
    ...RESAMPLING,
    ...ATTENTION,
    ...REPARAMETRIZED,
    ...TRANSFORMER,
  ]),
}

export const LIBRARIES: readonly Library[] = [torch, yolo]

/** The head of a known class; YOLOv5 and YOLOv8 both call theirs Detect. */
export function headOf(module: Module): Head | undefined {
  if (!YOLO_PACKAGES.test(module.type)) {
    return undefined
  }
  const heads = module.has('m') ? ANCHOR_HEADS : ANCHOR_FREE_HEADS
  return heads.get(module.name) ?? CLASSIFIERS.get(module.name) ?? TRANSFORMER_HEADS.get(module.name)
}

/** What a layer computes that gives several values or takes some of those. */
export const crossLevelOf = (module: Module): CrossLevel | undefined =>
  YOLO_PACKAGES.test(module.type) ? CROSS_LEVEL.get(module.name) : undefined
