import type { Contract } from '../model/contract.ts'
import type { GraphEdits } from '../onnx/graph/edit.ts'
import type { Folder } from '../onnx/graph/fold.ts'
import type { Links } from '../onnx/graph/links.ts'
import type { OnnxModel } from '../onnx/model.ts'

/** What one preparation needs to know, and where it writes its changes. */
export interface Preparation {
  model: OnnxModel
  links: Links
  folder: Folder
  contract: Contract
  edits: GraphEdits
}

/** A preparation that applies changes `edits` and gives the new contract and a sentence for people. */
export type PreparationStep = (at: Preparation) => { contract: Contract; edit: string } | undefined
