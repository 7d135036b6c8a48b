import { z } from 'zod'
import { BoxletError } from '../errors.ts'
import type { Contract } from './contract.ts'

const size = z.strictObject({ width: z.int().min(1).max(65_536), height: z.int().min(1).max(65_536) })
const channels = z.tuple([z.number(), z.number(), z.number()])
const byte = z.number().min(0).max(255)
const share = z.number().min(0).max(1)

const geometry = z.strictObject({
  fit: z
    .enum(['letterbox', 'stretch', 'shortest-edge', 'none'])
    .describe('How a picture is laid into the input.'),
  align: z.enum(['centre', 'top-left']).describe('Where a letterboxed picture lies.'),
  pad: z.tuple([byte, byte, byte]).describe('Red, green and blue 0–255 of the padding.'),
  rounding: z.enum(['round', 'floor']).describe('How the resized edge is made whole.'),
  resample: z.enum(['bilinear', 'bicubic', 'area', 'nearest']),
  longestEdge: z
    .int()
    .min(1)
    .max(65_536)
    .exactOptional()
    .describe('Upper limit for shortest-edge, in pixels.'),
})

const input = z.strictObject({
  name: z.string().max(1_000),
  layout: z.enum(['NCHW', 'NHWC', 'CHW', 'HWC']),
  dtype: z.enum(['float32', 'float16', 'uint8', 'int8']),
  quantization: z
    .strictObject({ scale: z.number().positive(), zeroPoint: z.int() })
    .exactOptional()
    .describe('For integer inputs: real = (stored − zeroPoint) · scale.'),
  size: size.describe('Pixels. For a dynamic input, the size to aim at.'),
  dynamic: z
    .strictObject({ stride: z.int().min(1).max(1_024) })
    .exactOptional()
    .describe('Present when the file takes any size that is a multiple of stride.'),
  colour: z.enum(['RGB', 'BGR']),
  mean: channels.describe('Per channel in the order fed, on 0–255 values: fed = (pixel − mean) / std.'),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  geometry,
})

const extraInput = z.strictObject({
  name: z.string().max(1_000),
  kind: z.enum(['orig-size-wh', 'scale-factor-yx', 'input-size-hw', 'image-shape-hw', 'pixel-mask']),
  dtype: z.enum(['float32', 'int64', 'int32']),
  shape: z.array(z.int()).max(8),
})

const output = z.strictObject({
  roles: z
    .record(z.string(), z.string())
    .describe('Tensor name for each role that the family reads, e.g. predictions: output0.'),
  boxCode: z.enum(['xyxy', 'cxcywh', 'yxyx', 'xywh', 'head']),
  boxUnits: z.enum(['pixels', 'ratio']),
  frame: z
    .enum(['input', 'image'])
    .describe('Pixels of the model input, or already of the original picture.'),
  scoreActivation: z.enum(['none', 'sigmoid', 'softmax']),
  classes: z
    .int()
    .min(0)
    .max(100_000)
    .describe('Class scores per prediction; 0 when the outputs carry class ids.'),
  options: z.record(z.string(), z.unknown()).describe('What only this family needs.'),
})

/** Schema of `contract.json`. Unknown keys are refused: a misspelt option would be ignored in silence. */
export const contractSchema: z.ZodType<Contract> = z.strictObject({
  $schema: z.string().exactOptional(),
  version: z.literal(1),
  name: z.string().min(1).max(200),
  family: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,40}$/)
    .describe('Name of the decoder, e.g. yolov8.'),
  task: z.enum(['detect', 'segment', 'pose', 'obb', 'classify']),
  input,
  extraInputs: z.array(extraInput).max(16),
  output,
  labels: z
    .array(z.string().max(1_000).nullable())
    .max(100_000)
    .describe('Index is the class id; null for ids without a class, such as background.'),
  thresholds: z.strictObject({
    score: share.describe('Least score of a detection.'),
    perClass: z.record(z.string(), share).exactOptional().describe('Least score by label; wins over score.'),
  }),
  suppression: z.strictObject({
    kind: z.enum(['none', 'per-class', 'across-classes']),
    iou: share.describe('A box goes when its IoU with a better one is above this.'),
    maxDetections: z.int().min(1).max(100_000),
  }),
  licence: z
    .strictObject({
      name: z.string().min(1).max(200),
      class: z.enum(['permissive', 'copyleft', 'non-commercial', 'unknown']),
    })
    .exactOptional(),
})

/**
 * Checks a contract read from a file.
 *
 * @throws BoxletError CONTRACT_INVALID naming the first place that does not fit
 */
export function validateContract(value: unknown): Contract {
  const result = contractSchema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const place = issue.path.length === 0 ? 'the contract' : issue.path.join('.')
  throw new BoxletError(
    'CONTRACT_INVALID',
    `Expected a valid value for ${place} but received one where: ${issue.message}.`,
    {
      hint: 'The form is described in docs/contract.md and by the JSON Schema.',
      details: {
        issues: result.error.issues
          .slice(0, 20)
          .map(({ path, message }) => ({ path: path.join('.'), message })),
      },
    },
  )
}

/** The JSON Schema (draft 2020-12) of a contract, for editors. */
export const contractJsonSchema = (): Record<string, unknown> =>
  z.toJSONSchema(contractSchema, { target: 'draft-2020-12' }) as Record<string, unknown>
