import type { ContractInput, Evidence, InputType } from '../../model/contract.ts'
import type { ModelSignature } from '../../model/signature.ts'
import { defined } from '../../system/defined.ts'
import { type PictureInput, pictureInput } from './shapes.ts'

/**
 * What all Ultralytics exports share: RGB in 0–1, a centred letterbox padded with 114, a stride of 32.
 *
 * source  ultralytics `data/augment.py` LetterBox, `engine/predictor.py` preprocess
 * cost    BGR by mistake lowers scores (0.70 to 0.50 for one bus) and raises no error
 */
export interface UltralyticsInput {
  input: ContractInput
  picture: PictureInput
  evidence: Evidence[]
}

const DEFAULT_EDGE = 640
const STRIDE = 32

export function ultralyticsInput(signature: ModelSignature): UltralyticsInput | undefined {
  const picture = pictureInput(signature)
  if (picture === undefined) {
    return undefined
  }
  const said = imageSize(signature)
  const height = picture.height ?? said?.height ?? DEFAULT_EDGE
  const width = picture.width ?? said?.width ?? DEFAULT_EDGE
  const isDynamic = picture.height === undefined && picture.width === undefined
  const stride = Number(signature.metadata.stride) || STRIDE
  const byMetadata = isUltralytics(signature)
  return {
    picture,
    input: {
      name: picture.tensor.name,
      layout: picture.layout,
      dtype: inputType(picture),
      ...defined({ quantization: picture.tensor.quantization }),
      size: { width, height },
      ...(isDynamic ? { dynamic: { stride } } : {}),
      colour: picture.channels === 1 ? 'grey' : 'RGB',
      mean: [0, 0, 0],
      std: [255, 255, 255],
      geometry: {
        fit: 'letterbox',
        align: 'centre',
        pad: [114, 114, 114],
        rounding: 'round',
        resample: 'bilinear',
      },
    },
    evidence: [
      {
        about: 'input',
        conclusion: `${picture.channels === 1 ? 'grey' : 'RGB'} scaled to 0–1, centred letterbox padded with 114`,
        because: byMetadata ? 'the metadata is that of an Ultralytics export' : 'the family is trained so',
        confidence: byMetadata ? 0.98 : 0.8,
      },
    ],
  }
}

/** Element type of the picture tensor; anything but the four that are fed is taken for float32. */
export function inputType(picture: PictureInput): InputType {
  const { type } = picture.tensor
  return type === 'float16' || type === 'uint8' || type === 'int8' ? type : 'float32'
}

export const isUltralytics = (signature: ModelSignature): boolean =>
  /ultralytics/i.test(`${signature.metadata.author ?? ''}${signature.metadata.description ?? ''}`)

/** `imgsz` of the metadata: "[640, 640]", height first. */
export function imageSize(signature: ModelSignature): { height: number; width: number } | undefined {
  const numbers = /^\[\s*(\d{1,5})\s*,\s*(\d{1,5})\s*\]$/.exec(signature.metadata.imgsz ?? '')
  return numbers === null ? undefined : { height: Number(numbers[1]), width: Number(numbers[2]) }
}
