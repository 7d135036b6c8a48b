import { basename } from 'node:path'
import { type ConvertedCheckpoint, convertCheckpoint } from '../../checkpoint/checkpoint.ts'
import { metadataOf } from '../../checkpoint/metadata.ts'
import { conversionNotices } from '../../checkpoint/say.ts'
import { openSource } from '../../checkpoint/source.ts'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { saveFile } from '../../system/save-file.ts'
import { megabytes } from '../../system/words.ts'
import type { ExitCode, Io } from '../kit/verb.ts'
import type { ConvertSettings } from './options.ts'

export async function convertCheckpointFile(
  path: string,
  out: string,
  values: ConvertSettings,
  io: Io,
): Promise<ExitCode> {
  const size = imageSize(values.imgsz)
  const { source, close } = openSource(path)
  try {
    const converted = convertCheckpoint(source, defined({ size, oneToOne: values.end2end }))
    await saveFile(out, converted.onnx.parts())
    if (values.format === 'json') {
      io.stdout.write(`${asJson(path, out, converted)}\n`)
      return 0
    }
    io.stdout.write(`${out}\n`)
    for (const line of conversionNotices(converted, basename(path))) {
      io.stderr.write(`boxlet: ${line}\n`)
    }
    io.stderr.write(`boxlet: Wrote ${megabytes(converted.onnx.length)} MB.\n`)
    return 0
  } finally {
    close()
  }
}

/** `640`, or height and width as `384x640`, the order of Ultralytics. */
function imageSize(text: string | undefined): { height: number; width: number } | undefined {
  if (text === undefined) {
    return undefined
  }
  const [, height, width = height] = /^(\d{1,5})(?:[x×,](\d{1,5}))?$/.exec(text.trim()) ?? []
  if (height === undefined || Number(height) === 0 || Number(width) === 0) {
    throw new BoxletError('USAGE', `Expected pixels for --imgsz but received "${text}".`, {
      hint: 'Give one number, as 640, or height and width, as 384x640.',
    })
  }
  return { height: Number(height), width: Number(width) }
}

function asJson(source: string, out: string, converted: ConvertedCheckpoint): string {
  const { facts, head, size, notices, onnx, builder } = converted
  const port = ({ name, shape }: { name: string; shape: readonly (number | string)[] | undefined }) => ({
    name,
    type: 'float32',
    shape: shape ?? null,
  })
  return JSON.stringify({
    source,
    out,
    bytes: onnx.length,
    nodes: builder.net.graph.nodes.length,
    inputs: builder.net.graph.inputs.map(port),
    outputs: builder.net.graph.outputs.map(port),
    task: head.task,
    size,
    end2end: head.oneToOne ?? null,
    checkpoint: facts,
    metadata: metadataOf(converted),
    notices,
  })
}
