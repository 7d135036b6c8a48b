import type { MessageWriter } from '../onnx/write/message-writer.ts'
import { writeModel } from '../onnx/write/write-model.ts'
import { readContainer } from './container.ts'
import { type CheckpointFacts, readFacts } from './facts.ts'
import type { HeadResult, ImageSize } from './heads/head.ts'
import { chooseSize } from './image-size.ts'
import { LIBRARIES } from './libraries.ts'
import { corrupt, quoted, unsupported } from './limits.ts'
import { metadataOf } from './metadata.ts'
import { unusedParts } from './module.ts'
import { Builder } from './network/builder.ts'
import { layerPlan, weightPlan } from './plan.ts'
import type { ByteSource } from './source.ts'
import { findNetwork, type Trained } from './trained.ts'

export interface ConvertOptions {
  /** Size of the picture; default what the network was trained for. */
  size?: ImageSize
  /** Of a network with two heads, the one that needs no suppression, or the other; default what the file says. */
  oneToOne?: boolean
}

/** A network as it was built: ready to be written. */
interface BuiltNetwork {
  builder: Builder
  head: HeadResult
  facts: CheckpointFacts
  size: ImageSize
  /** What was decided where the file contradicts itself or says nothing, one sentence each. */
  notices: string[]
}

export interface ConvertedCheckpoint extends BuiltNetwork {
  /** The ONNX file, to be taken part by part or as one piece; weights are read when they are written. */
  onnx: MessageWriter
}

/**
 * Turns a checkpoint of PyTorch into an ONNX file that gives the same results. The file is read, never run.
 *
 * input    `images`, float32 [1, channels, height, width], RGB in 0–1
 * outputs  `output0`, and for segmentation `output1`, decoded as the maker's exporter gives them
 * cost     a network whose class computes something else than its name promises gives wrong boxes; therefore
 *          every shape is checked and every tensor of the file has to be used
 *
 * @param source has to stay readable until the last part of the result is taken
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT, or MODEL_UNSUPPORTED naming the part that is not known
 */
export function convertCheckpoint(source: ByteSource, options: ConvertOptions = {}): ConvertedCheckpoint {
  return guarded(() => {
    const built = build(findNetwork(readContainer(source)), options)
    const producer = { name: 'boxlet', version: '' }
    return { ...built, onnx: writeModel(built.builder.net.graph, { producer, metadata: metadataOf(built) }) }
  })
}

/**
 * What a checkpoint says about itself, without converting it.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT or MODEL_UNSUPPORTED
 */
export function readCheckpoint(source: ByteSource): CheckpointFacts {
  return guarded(() => readFacts(findNetwork(readContainer(source))))
}

function build(trained: Trained, options: ConvertOptions): BuiltNetwork {
  const facts = readFacts(trained)
  const plan = trained.family === undefined ? layerPlan(trained) : weightPlan(trained, trained.family)
  const builder = new Builder(LIBRARIES)
  const notices = plan.assumptions
  const size = chooseSize(facts, plan, options.size, notices)
  const picture = builder.net.input('images', [1, plan.channels, size.height, size.width])
  const head = plan.run(builder, picture, { size, oneToOne: options.oneToOne })
  const unused = unusedParts(plan.root, plan.object, new Set(head.exempt))
  if (unused.length > 0) {
    const more = unused.length > 1 ? ` and ${unused.length - 1} more` : ''
    throw unsupported(
      'a network of which every tensor has its place',
      `${quoted(unused[0]!)}${more}, which the known classes have no use for`,
      'The file may be of a fork that changed a class. Export it to ONNX where it was trained and use that file.',
    )
  }
  for (const [index, output] of head.outputs.entries()) {
    builder.net.output(output, `output${index}`)
  }
  builder.net.graph.prune()
  return { builder, head, facts, size, notices }
}

/** Sizes that fit no array, made by a damaged file, are refused by the language itself. */
function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RangeError)) {
      throw error
    }
    throw corrupt('a whole checkpoint', 'one whose parts contradict each other', error)
  }
}
