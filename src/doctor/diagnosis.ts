import type { Detection } from '../boxes/detection.ts'
import type { Dataset } from '../datasets/dataset.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { Contract } from '../model/contract.ts'
import type { Finding } from './checks.ts'
import type { Dimension } from './variants.ts'

/** What a diagnosis comes to, the gravest first. */
export type Ending = 'labels' | 'better' | 'fault' | 'nothing' | 'undecided' | 'right'

/** A picture to judge by. */
export interface DoctorPicture {
  name: string
  pixels: RgbImage
}

export interface DoctorOptions {
  /** Annotations of the same pictures, in the same order; AP then decides. */
  truth?: Dataset
  /** As `ModelSignature.quantization` has it. */
  quantization?: string | undefined
  signal?: AbortSignal
  onProgress?: (text: string) => void
}

/** How one reading did. */
export interface Trial {
  name: string
  set: string[]
  isCurrent: boolean
  /** AP, or agreement with the mirror image for each picture; higher is better. */
  value: number
  /** Detections at the usual threshold in all pictures. */
  objects: number
  /** Why the reading is out of the question however it did, e.g. objects found in scrambled pieces, too. */
  refused?: string
  /** Detections in the first picture, to be drawn. */
  shown: Detection[]
}

export interface DimensionResult {
  dimension: Dimension
  trials: Trial[]
  /** Name of the reading that the model wants; the contract's unless another is clearly better. */
  chosen: string
  /** By how much that reading is better than the contract's; 0 when it is the contract's. */
  gain: number
  /** A reading that did better, though by too little for these pictures to decide. */
  leaning?: { name: string; gain: number }
}

export interface Diagnosis {
  decidedBy: 'ap' | 'agreement'
  pictures: number
  findings: Finding[]
  dimensions: DimensionResult[]
  before: number
  after: number
  /** The contract with every better reading taken over; the given one when none was better. */
  contract: Contract
  /** What changed, as arguments of `--set`. */
  set: string[]
  /** Detections of the given contract at the usual threshold in all pictures. */
  objects: number
  /**
   * Set when annotations show that the labels are wrong. `mended`: the contract has the list moved by one;
   * `incomplete`: moved too, but a class that was found has no name; `unknown`: nothing mends them, and readings
   * were judged by boxes alone. Do not keep the contract of the last two.
   */
  labels?: LabelFault
  /** Readings ahead by too little to decide, e.g. `colour BGR`. */
  ahead: string[]
  ending: Ending
}

export type LabelFault = 'mended' | 'incomplete' | 'unknown'
