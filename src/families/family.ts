import type { Size } from '../boxes/box.ts'
import type { Candidates } from '../boxes/detection.ts'
import type { Letterbox } from '../boxes/letterbox.ts'
import type { Contract, Evidence } from '../model/contract.ts'
import type { SpareColumn } from '../model/labels/labels.ts'
import type { ModelSignature } from '../model/signature.ts'
import type { Tensor } from './heads/tensor.ts'

/** What recognition concluded: a complete contract but for name, labels and licence, which are common to all. */
export interface Recognition {
  /** 0–1 for the family as a whole; the highest wins and a near tie is reported. */
  confidence: number
  contract: Omit<Contract, 'version' | 'name' | 'labels' | 'licence'>
  evidence: Evidence[]
  /** Labels when the family itself knows them, e.g. `['face']`; index is the class id. */
  labels?: (string | null)[]
  /**
   * Parts of the contract that the file leaves open and one run on any picture settles, e.g.
   * `output.boxUnits`. Absent or empty when there is nothing to settle, so that most models need no run.
   */
  unsettled?: string[]
  /**
   * The shapes fit, but nothing in the file tells this reading from another that feeds the network otherwise. Taken
   * only when the user names the family; without a surer one recognition says what to name.
   */
  onlyByName?: boolean
}

export interface DecodeContext {
  contract: Contract
  /** Where the picture lies in the model input; `letterbox.input` is the size that was fed. */
  letterbox: Letterbox
  /** Candidates below this score are not wanted. */
  minScore: number
  /**
   * Takes every class of a prediction that reaches `minScore`, not only the best one. The evaluation mode of
   * the YOLO reference codes; it lifts recall at very low scores and means nothing to people.
   */
  everyClass?: boolean
}

/** Output tensors of one picture by role, as `contract.output.roles` names them; batch axis of 1 kept. */
export type RoleTensors = Record<string, Tensor>

/**
 * One family of models, in one file: how to know it, and how to read its outputs. Pure; no I/O.
 * A person adds their own with `registerFamily`.
 */
export interface Family {
  /** Stable identifier, used in contracts: lower case, digits and hyphens. */
  name: string
  /** For people. */
  title: string
  /** Returns undefined when the signature is not of this family. */
  recognise(signature: ModelSignature): Recognition | undefined
  /** Reads candidates at or above `minScore`; boxes in pixels of the frame that it names. */
  decode(outputs: RoleTensors, context: DecodeContext): Candidates
  /** Where the scores have a column that is no class, so that one name less than columns is a whole list. */
  spareColumn?(contract: Pick<Contract, 'output'>): SpareColumn | undefined
  /**
   * Settles what `recognition.unsettled` names from the value ranges of one run. Returns the recognition with
   * the contract corrected, the evidence replaced, and `unsettled` without what is now known. Only called
   * when there is something to settle; `input` is the size in pixels that was fed.
   */
  settle?(outputs: RoleTensors, recognition: Recognition, input: Size): Recognition
}
