import type { ModelSignature } from '../model/signature.ts'
import type { Recognition } from './family.ts'

const BYTE = 255
/** 1/255 as float32, and as exporters round it. */
const PER_BYTE = 1 / BYTE
const TOLERANCE = 1e-6

/**
 * A file that divides by 255 itself takes bytes, whatever its family is usually fed: YOLOv6 with
 * `--with-preprocess`, exports with the scaling built in.
 *
 * cost  scaled twice, a picture is nearly black to the model, and nothing is found
 */
export function withFoldedScaling(recognition: Recognition, signature: ModelSignature): Recognition {
  const { contract, evidence } = recognition
  const { name, mean, std } = contract.input
  const isUnit = std.every((value) => value === BYTE) && mean.every((value) => value === 0)
  const stem = Object.hasOwn(signature.stems ?? {}, name) ? signature.stems?.[name] : undefined
  const step = stem?.constants.find(
    ({ op, values }) =>
      values.length > 0 &&
      values.every((value) =>
        op === 'Div' ? value === BYTE : op === 'Mul' && Math.abs(value - PER_BYTE) < TOLERANCE,
      ),
  )
  if (!isUnit || step === undefined) {
    return recognition
  }
  return {
    ...recognition,
    contract: { ...contract, input: { ...contract.input, std: [1, 1, 1] } },
    evidence: [
      ...evidence,
      {
        about: 'input.std',
        conclusion: 'fed as 0–255',
        because: `the graph scales the picture itself (${step.op} by ${step.op === 'Div' ? '255' : '1/255'} before the first layer)`,
        confidence: 0.92,
      },
    ],
  }
}
