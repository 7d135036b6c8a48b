import type { Dataset } from '../../datasets/dataset.ts'
import { BoxletError } from '../../errors.ts'
import { readOnnx } from '../../onnx/read/reader.ts'
import { type Findings, findAll } from '../measure/agreement.ts'
import { openBytes } from '../measure/open-bytes.ts'
import type { ModelSource } from '../source.ts'

/** Pictures that show whether a quantized file still finds anything. */
const LOOKED_AT = 8

const KINDS: Readonly<Record<string, string>> = {
  qdq: 'quantized already, with fixed ranges (QDQ)',
  qoperator: 'quantized already, with fixed ranges (QOperator)',
  dynamic:
    'quantized already, dynamically: weights are whole numbers and ranges are taken in every run, which costs more than it saves',
  float16: 'computed in float16',
}

const WAY_BACK =
  'Export the float model again (Ultralytics: "yolo export model=best.pt format=onnx", without int8 or half) and quantize that.'

/**
 * Refuses a file that is quantized already, and says in which of the known ways it is broken, if it is.
 *
 * @throws BoxletError MODEL_UNSUPPORTED
 */
export async function refuseQuantized(
  source: ModelSource,
  data: Dataset,
  signal?: AbortSignal,
): Promise<void> {
  const kind = KINDS[readOnnx(source.bytes).quantization ?? 'none']
  if (kind === undefined) {
    return
  }
  const images = data.images.slice(0, LOOKED_AT)
  const broken = kind === KINDS.float16 ? undefined : await faultOf(source, { ...data, images }, signal)
  throw new BoxletError(
    'MODEL_UNSUPPORTED',
    `Expected a float model but "${source.contract.name}" is ${kind}.${broken === undefined ? '' : ` ${broken}`}`,
    { hint: WAY_BACK },
  )
}

async function faultOf(
  { bytes, contract }: ModelSource,
  data: Dataset,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    await using detector = await openBytes(bytes, contract)
    return diagnose(await findAll(detector, contract.name, data, { signal }))
  } catch (error) {
    if (
      error instanceof BoxletError &&
      (error.code === 'MODEL_OUTPUT' || error.code === 'MODEL_RUN_FAILED')
    ) {
      return `It is broken: ${error.message}`
    }
    throw error
  }
}

/** Fewer boxes prove nothing of their sizes. */
const LEAST_BOXES = 8

/** The two ways in which public INT8 files are broken, both from one scale for boxes and scores. */
function diagnose({ results }: Findings): string | undefined {
  const found = results.flatMap(({ detections }) => detections)
  const scores = new Set(found.map(({ score }) => score.toFixed(4)))
  if (found.length === 0 || (found.length >= LEAST_BOXES && scores.size === 1)) {
    return 'It is broken, too: its scores are dead, since boxes and scores share one scale, which leaves nothing of the scores.'
  }
  const sizes = new Set(
    found.map(({ box }) => `${Math.round(box.x2 - box.x1)}x${Math.round(box.y2 - box.y1)}`),
  )
  return found.length >= LEAST_BOXES && sizes.size === 1
    ? 'It is broken, too: all of its boxes have one size, since what boxes are decoded from was rounded away.'
    : undefined
}
