import { open } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { foreignFile, isCheckpoint } from '../../checkpoint/kind.ts'
import { BoxletError } from '../../errors.ts'
import { isTflite } from '../../prepare/read-signature.ts'
import { checkOut } from '../kit/out-file.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { CONVERT_OPTIONS, type ConvertSettings } from './options.ts'

export const verb = defineVerb({
  name: 'convert',
  summary: 'Turn a PyTorch checkpoint or a TFLite model into an ONNX model.',
  about: `Writes an ONNX file (opset 17) with the same outputs as the network, and with its labels and other metadata. Every
    verb takes .pt and .tflite files as they are; this is for other programs, and for other sizes.

    A checkpoint is read, never run: no Python is needed, and no code in the file is executed.`,
  inputs: { usage: 'MODEL.pt|MODEL.tflite', noun: 'model file', least: 1, most: 1, completes: 'file' },
  options: CONVERT_OPTIONS,
  examples: [
    'boxlet convert best.pt',
    'boxlet convert best.pt --imgsz 384x640 --out best-wide.onnx',
    'boxlet convert yolov8n_int8.tflite --out yolov8n.onnx --force',
  ],
  alsoKnownAs: ['export'],
  run,
})

async function run({ values, inputs }: Call<typeof CONVERT_OPTIONS>, io: Io): Promise<ExitCode> {
  const source = inputs[0]!
  const out = values.out ?? join(dirname(source), `${basename(source, extname(source))}.onnx`)
  const convert = await converterOf(await readHead(source), source)
  await checkOut(out, source, values.force === true)
  return convert(source, out, values, io)
}

/** Bytes that tell a checkpoint from a TFLite file. */
const HEAD_BYTES = 512

async function readHead(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new BoxletError('MODEL_NOT_FOUND', `Expected a readable model at "${path}" but found none.`, {
      cause,
    })
  }
}

type Converter = (source: string, out: string, values: ConvertSettings, io: Io) => Promise<ExitCode>

/** Loaded on demand: a checkpoint needs neither the TFLite reader nor the runtime. */
async function converterOf(head: Uint8Array, path: string): Promise<Converter> {
  if (isTflite(head)) {
    return (await import('./tflite.ts')).convertTfliteFile
  }
  if (isCheckpoint(head)) {
    return (await import('./checkpoint.ts')).convertCheckpointFile
  }
  throw (
    foreignFile(head) ??
    new BoxletError(
      'MODEL_CORRUPT',
      `Expected a PyTorch checkpoint or a TFLite file but "${path}" is neither.`,
      {
        hint: 'ONNX files need no conversion.',
      },
    )
  )
}
