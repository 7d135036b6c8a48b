import { readFile, stat } from 'node:fs/promises'
import { BoxletError } from '../../errors.ts'
import type { ModelSignature } from '../../model/signature.ts'
import { openSession } from '../../runtime/session.ts'
import { saveFile } from '../../system/save-file.ts'
import { megabytes } from '../../system/words.ts'
import { MAX_FILE_BYTES } from '../../tflite/limits.ts'
import { type ConvertedModel, tfliteToOnnx } from '../../tflite/tflite.ts'
import type { ExitCode, Io } from '../kit/verb.ts'
import type { ConvertSettings } from './options.ts'

export async function convertTfliteFile(
  source: string,
  out: string,
  values: ConvertSettings,
  io: Io,
): Promise<ExitCode> {
  refuseCheckpointOptions(values)
  const model = tfliteToOnnx(await readModel(source))
  await checkLoads(model)
  await saveFile(out, model.bytes)
  io.stdout.write(values.format === 'json' ? `${asJson(source, out, model)}\n` : `${out}\n`)
  if (values.format !== 'json') {
    io.stderr.write(`boxlet: ${describe(model)}\n`)
  }
  return 0
}

/** A TFLite file has one size and one head. */
function refuseCheckpointOptions({ imgsz, end2end }: ConvertSettings): void {
  const given = imgsz !== undefined ? '--imgsz' : end2end !== undefined ? '--end2end' : undefined
  if (given !== undefined) {
    throw new BoxletError('USAGE', `Expected a PyTorch checkpoint for ${given} but received a TFLite file.`, {
      hint: 'The size and the head of a TFLite file are fixed; export it again.',
    })
  }
}

async function readModel(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path)
    if (size > MAX_FILE_BYTES) {
      throw new BoxletError(
        'MODEL_LIMIT',
        `Expected at most ${MAX_FILE_BYTES} bytes for the model but received ${size}.`,
      )
    }
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof BoxletError) {
      throw cause
    }
    throw new BoxletError('MODEL_NOT_FOUND', `Expected a readable model at "${path}" but found none.`, {
      cause,
    })
  }
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
