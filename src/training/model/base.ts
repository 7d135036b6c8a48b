import { BoxletError } from '../../errors.ts'
import { recognise } from '../../families/recognise.ts'
import type { Contract, Licence } from '../../model/contract.ts'
import { type Links, linkGraph } from '../../onnx/graph/links.ts'
import type { OnnxModel } from '../../onnx/model.ts'
import { parseModel } from '../../onnx/read/parse.ts'
import { signatureOf } from '../../onnx/read/reader.ts'
import { findHeads, type Head } from './heads.ts'

/** A model to start from, as its finder gives it. */
export interface BaseFile {
  /** Name in the catalogue or of the file. */
  name: string
  sha256: string
  bytes: Uint8Array
  licence?: Licence
}

/** A base that was looked at and can be taught. */
export interface Base extends BaseFile {
  model: OnnxModel
  links: Links
  heads: Head[]
  contract: Contract
  /** Pixels of a square input, as the file was trained. */
  size: number
  /** Pixels of the input for a cell of each head. */
  strides: number[]
  labels: Contract['labels']
}

/** The first opset whose operators mean here what they mean in the training graph: Resize and Pad by inputs. */
const LEAST_OPSET = 11

/**
 * Looks at a model file and refuses what cannot be taught.
 *
 * @throws BoxletError MODEL_UNSUPPORTED, MODEL_UNRECOGNISED, MODEL_CORRUPT
 */
export function openBase(file: BaseFile): Base {
  const model = parseModel(file.bytes)
  const links = linkGraph(model)
  const { contract } = recognise(signatureOf(model, links), file.name)
  if (contract.family !== 'yolox') {
    throw unsupported(
      `a YOLOX model as the base for teaching`,
      `"${file.name}", which is of the family "${contract.family}"`,
    )
  }
  const { decoded, strides } = contract.output.options
  if (decoded === true || !Array.isArray(strides)) {
    throw unsupported(
      'a raw YOLOX export as the base for teaching',
      'one that decodes its boxes inside the graph',
    )
  }
  const opset = model.opsets.get('ai.onnx') ?? 0
  if (opset < LEAST_OPSET) {
    throw unsupported(`opset ${LEAST_OPSET} or later`, String(opset))
  }
  const licence = file.licence ?? contract.licence
  return {
    ...file,
    ...(licence === undefined ? {} : { licence }),
    model,
    links,
    heads: findHeads(model, links),
    contract,
    size: Math.max(contract.input.size.width, contract.input.size.height),
    strides: strides as number[],
    labels: contract.labels,
  }
}

const unsupported = (expected: string, received: string): BoxletError =>
  new BoxletError('MODEL_UNSUPPORTED', `Expected ${expected} but received ${received}.`, {
    hint: 'Take yolox-nano, yolox-tiny or yolox-s of the catalogue, or a file that teach wrote.',
  })
