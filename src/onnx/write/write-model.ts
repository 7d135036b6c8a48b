import { BoxletError } from '../../errors.ts'
import { MAX_FILE_BYTES } from '../limits.ts'
import { type NewGraph, writeGraph } from './encode.ts'
import { MessageWriter } from './message-writer.ts'

/** Has every operator that Boxlet writes; ONNX Runtime has known it since 1.12. */
export const OPSET = 17
/** The version of the file format that came with opset 17. */
const IR_VERSION = 8

export interface ModelFacts {
  producer: { name: string; version: string }
  /** Goes to `metadata_props`. */
  metadata?: Readonly<Record<string, string>>
  /** Versions of operator sets by domain, the default domain as ''. Default: `{ '': OPSET }`. */
  opsets?: Readonly<Record<string, number>>
}

/**
 * The ONNX file of a graph: `finish()` gives it as one piece, `parts()` part by part, so that weights that are made
 * when they are written (`NewTensor.data`) need no second copy.
 *
 * @throws BoxletError MODEL_LIMIT where the file would be larger than a protobuf message can be
 */
export function writeModel(graph: NewGraph, { producer, metadata, opsets }: ModelFacts): MessageWriter {
  const writer = new MessageWriter()
    .int(1, IR_VERSION)
    .text(2, producer.name)
    .text(3, producer.version)
    .message(7, (inner) => writeGraph(inner, graph))
  for (const [domain, version] of Object.entries(opsets ?? { '': OPSET })) {
    writer.message(8, (entry) => entry.text(1, domain).int(2, version))
  }
  for (const [key, value] of Object.entries(metadata ?? {})) {
    writer.message(14, (entry) => entry.text(1, key).text(2, value))
  }
  if (writer.length > MAX_FILE_BYTES) {
    throw new BoxletError(
      'MODEL_LIMIT',
      `Expected at most ${MAX_FILE_BYTES} bytes for an ONNX file but received ${writer.length}.`,
      { hint: 'Use a smaller model, or half precision.' },
    )
  }
  return writer
}
