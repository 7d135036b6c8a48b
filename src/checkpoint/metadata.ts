import { pythonNames } from '../model/labels/python-names.ts'
import type { CheckpointFacts } from './facts.ts'
import type { HeadResult, ImageSize } from './heads/head.ts'

/** Metadata key with what ONNX exporters do not write: class of the network and what its training measured. */
const TRAINING_KEY = 'boxlet.training'

/**
 * What goes into the ONNX file, by the keys and in the form of Ultralytics' exporter: values as Python writes
 * them. The licence that the checkpoint states travels with the weights.
 */
export function metadataOf({
  facts,
  head,
  size,
}: {
  facts: CheckpointFacts
  head: HeadResult
  size: ImageSize
}): Record<string, string> {
  const { network, version, date, licence, docs, metrics, epochs, data } = facts
  const training = JSON.stringify({ network, epochs, data, metrics })
  const isUltralytics = /^(?:ultralytics|models|yolov5)\./.test(network)
  const entries: Record<string, string | undefined> = {
    description: isUltralytics ? `Ultralytics ${shortName(network)}, converted by Boxlet` : undefined,
    author: isUltralytics ? 'Ultralytics' : undefined,
    date,
    version,
    license: licence,
    docs,
    stride: head.strides.length === 0 ? '1' : `${Math.max(...head.strides)}`,
    task: head.task,
    head: head.kind,
    batch: '1',
    imgsz: `[${size.height}, ${size.width}]`,
    names: namesText(facts.names, head.classes),
    kpt_shape: head.keypoints === undefined ? undefined : `[${head.keypoints.join(', ')}]`,
    end2end: head.oneToOne === undefined ? undefined : head.oneToOne ? 'True' : 'False',
    [TRAINING_KEY]: training,
  }
  return Object.fromEntries(
    Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

const shortName = (type: string): string => type.slice(type.lastIndexOf('.') + 1)

const namesText = (names: readonly string[] | undefined, classes: number): string | undefined =>
  names?.length === classes ? pythonNames(names) : undefined
