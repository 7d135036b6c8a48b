import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import type { ModelSignature } from '../model/signature.ts'
import { isTflite } from '../prepare/read-signature.ts'
import { openSession } from '../runtime/session.ts'
import { saveFile } from '../system/save-file.ts'
import { megabytes } from '../system/words.ts'
import { MAX_FILE_BYTES } from '../tflite/limits.ts'
import { type ConvertedModel, tfliteToOnnx } from '../tflite/tflite.ts'
import { FORMAT_OPTION } from './kit/format-option.ts'
import type { Options } from './kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'

const OPTIONS = {
  out: {
    type: 'string',
    says: 'file to write',
    value: 'FILE',
    short: 'o',
    own: true,
    otherwise: 'the name of the model, ending in .onnx, beside it',
    completes: 'file',
  },
  force: { type: 'boolean', says: 'overwrite a file that exists', own: true },
  format: FORMAT_OPTION,
} as const satisfies Options

export const verb = defineVerb({
  name: 'convert',
  summary: 'Turn a TFLite model into an ONNX model.',
  about: `Writes an ONNX file (opset 17) that gives what the TFLite file gives, with its labels and other
    metadata, and loads it once to be sure. Every verb takes .tflite files as they are; this is for other programs,
    and for loading faster.`,
  inputs: { usage: 'MODEL.tflite', noun: 'TFLite file', least: 1, most: 1, completes: 'file' },
  options: OPTIONS,
  examples: ['boxlet convert ssd.tflite', 'boxlet convert yolov8n_int8.tflite --out yolov8n.onnx --force'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const source = inputs[0]!
  const out = values.out ?? join(dirname(source), `${basename(source, extname(source))}.onnx`)
  const bytes = await readModel(source)
  if (!values.force) {
    await refuseExisting(out)
  }
  const model = tfliteToOnnx(bytes)
  await checkLoads(model)
  await saveFile(out, model.bytes)
  io.stdout.write(values.format === 'json' ? `${asJson(source, out, model)}\n` : `${out}\n`)
  if (values.format !== 'json') {
    io.stderr.write(`boxlet: ${describe(model)}\n`)
  }
  return 0
}

async function readModel(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    const { size } = await stat(path)
    if (size > MAX_FILE_BYTES) {
      throw new BoxletError(
        'MODEL_LIMIT',
        `Expected at most ${MAX_FILE_BYTES} bytes for the model but received ${size}.`,
      )
    }
    bytes = await readFile(path)
  } catch (cause) {
    if (cause instanceof BoxletError) {
      throw cause
    }
    throw new BoxletError('MODEL_NOT_FOUND', `Expected a readable model at "${path}" but found none.`, {
      cause,
    })
  }
  if (isTflite(bytes)) {
    return bytes
  }
  throw new BoxletError('MODEL_CORRUPT', `Expected a TFLite file but "${path}" is not one.`, {
    hint: 'ONNX files need no conversion.',
  })
}

async function refuseExisting(out: string): Promise<void> {
  const exists = await stat(out).then(
    () => true,
    () => false,
  )
  if (!exists) {
    return
  }
  throw new BoxletError('OUTPUT_UNWRITABLE', `Expected a new file for --out but "${out}" exists.`, {
    hint: 'Add --force to overwrite it, or give another name.',
  })
}

/** A graph may be well formed and still not be one that the runtime takes; better found here than later. */
async function checkLoads({ bytes }: ConvertedModel): Promise<void> {
  const session = await openSession(bytes, { threads: 1 })
  await session.release()
}

function describe({ bytes, signature }: ConvertedModel): string {
  const size = `${megabytes(bytes.length)} MB`
  const input = signature.inputs.map(({ name, type, shape }) => `${name} ${type} [${shape?.join(', ')}]`)
  const outputs = signature.outputs.map(({ name }) => name)
  const became = `${operators(signature)} operators became ${signature.nodes} nodes, ${size}`
  return `${became}; takes ${input.join(', ')}, gives ${outputs.join(', ')}.`
}

const operators = ({ sourceOps = {} }: ModelSignature): number =>
  Object.values(sourceOps).reduce((sum, count) => sum + count, 0)

const asJson = (source: string, out: string, { bytes, signature }: ConvertedModel): string =>
  JSON.stringify({
    source,
    out,
    bytes: bytes.length,
    opset: signature.opsets['ai.onnx'] ?? null,
    operators: signature.sourceOps,
    nodes: signature.nodes,
    inputs: signature.inputs,
    outputs: signature.outputs,
    metadata: signature.metadata,
  })
