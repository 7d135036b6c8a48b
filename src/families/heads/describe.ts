import type {
  ContractInput,
  ContractOutput,
  Evidence,
  ExtraInput,
  ExtraInputKind,
  Suppression,
  Task,
} from '../../model/contract.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import { defined } from '../../system/defined.ts'
import type { Recognition } from '../family.ts'
import { fixed, type PictureInput } from './shapes.ts'

/** The parts of a recognition that differ between families; the rest has one sensible value. */
export interface Description {
  family: string
  confidence: number
  task?: Task
  input: ContractInput
  extraInputs?: ExtraInput[]
  roles: Record<string, string>
  boxCode: ContractOutput['boxCode']
  boxUnits?: ContractOutput['boxUnits']
  frame?: ContractOutput['frame']
  scoreActivation?: ContractOutput['scoreActivation']
  classes: number
  options?: Record<string, unknown>
  /** Default score threshold of the reference code. */
  score: number
  suppression: Suppression
  evidence: Evidence[]
  labels?: (string | null)[]
  unsettled?: string[]
  onlyByName?: boolean
}

export function describe(parts: Description, outputs: readonly TensorInfo[] = []): Recognition {
  const quantization = roleQuantization(parts.roles, outputs)
  return {
    confidence: parts.confidence,
    contract: {
      family: parts.family,
      task: parts.task ?? 'detect',
      input: parts.input,
      extraInputs: parts.extraInputs ?? [],
      output: {
        roles: parts.roles,
        boxCode: parts.boxCode,
        boxUnits: parts.boxUnits ?? 'pixels',
        frame: parts.frame ?? 'input',
        scoreActivation: parts.scoreActivation ?? 'none',
        classes: parts.classes,
        options: { ...parts.options, ...defined({ quantization }) },
      },
      thresholds: { score: parts.score },
      suppression: parts.suppression,
    },
    evidence: parts.evidence,
    ...defined({ labels: parts.labels }),
    ...(parts.onlyByName === true ? { onlyByName: true } : {}),
    ...(parts.unsettled === undefined || parts.unsettled.length === 0 ? {} : { unsettled: parts.unsettled }),
  }
}

/** Boxes are final: the model is a set prediction or the graph has removed overlaps itself. */
export const noSuppression = (maxDetections = 300): Suppression => ({ kind: 'none', iou: 1, maxDetections })

export const perClass = (iou: number, maxDetections = 300): Suppression => ({
  kind: 'per-class',
  iou,
  maxDetections,
})

export const evidence = (
  about: string,
  conclusion: string,
  because: string,
  confidence: number,
): Evidence => ({
  about,
  conclusion,
  because,
  confidence,
})

/** Integer outputs carry their scale in the file; the contract keeps it by role. */
function roleQuantization(
  roles: Record<string, string>,
  outputs: readonly TensorInfo[],
): Record<string, { scale: number; zeroPoint: number }> | undefined {
  const found: Record<string, { scale: number; zeroPoint: number }> = {}
  for (const [role, name] of Object.entries(roles)) {
    const info = outputs.find((output) => output.name === name)
    const isInteger = info !== undefined && /^u?int(8|16|32)$/.test(info.type)
    if (isInteger && info.quantization !== undefined) {
      found[role] = info.quantization
    }
  }
  return Object.keys(found).length === 0 ? undefined : found
}

const EXTRA_INPUTS: [RegExp, ExtraInputKind][] = [
  [/orig.*(target_)?size/i, 'orig-size-wh'],
  [/scale_factor/i, 'scale-factor-yx'],
  [/im_shape/i, 'input-size-hw'],
  [/image_shape/i, 'image-shape-hw'],
  [/pixel_mask/i, 'pixel-mask'],
]

/** Edge of a free pixel mask: the size that the DETR exports of Hugging Face are traced with. */
const MASK_EDGE = 64

/** Names in the file, where there are any, are as many as the classes of the head. */
export function namesFit({ metadata }: ModelSignature, classes: number): boolean {
  const names = metadataLabels(metadata)
  return names === undefined || names.length === classes
}

/** Inputs beside the picture by what their names say; undefined when one of them is unknown. */
export function extraInputs(signature: ModelSignature, picture: PictureInput): ExtraInput[] | undefined {
  const found: ExtraInput[] = []
  for (const tensor of signature.inputs) {
    if (tensor === picture.tensor) {
      continue
    }
    const kind = EXTRA_INPUTS.find(([name]) => name.test(tensor.name))?.[1]
    if (kind === undefined) {
      return undefined
    }
    const open = kind === 'pixel-mask' ? MASK_EDGE : 2
    const shape = (tensor.shape ?? [1, 2]).map((edge, axis) => (axis === 0 ? 1 : (fixed(edge) ?? open)))
    const dtype = tensor.type === 'int64' || tensor.type === 'int32' ? tensor.type : 'float32'
    found.push({ name: tensor.name, kind, dtype, shape })
  }
  return found
}

/** First output whose name matches. */
export const outputNamed = (signature: ModelSignature, name: RegExp): TensorInfo | undefined =>
  signature.outputs.find((output) => name.test(output.name))

/**
 * The last `rank` axes that a file declares, undefined for free ones, with at most a batch axis before them;
 * undefined when the tensor has another number of axes.
 */
export function declaredAxes(info: TensorInfo, rank: number): (number | undefined)[] | undefined {
  const shape = info.shape
  if (shape === undefined || shape.length < rank || shape.length > rank + 1) {
    return undefined
  }
  return shape.slice(shape.length - rank).map(fixed)
}
