import { type PythonValue, parsePythonLiteral } from '../model/labels/python-literal.ts'
import { FlatBuffer, readRow, type Table } from './flatbuffer.ts'
import type { TfliteGraph } from './graph.ts'
import { MAX_METADATA_CHARACTERS, MAX_METADATA_ENTRIES } from './limits.ts'
import { packedFiles } from './packed-files.ts'
import {
  CONTENT,
  IMAGE_PROPERTIES,
  MODEL_METADATA,
  NORMALIZATION,
  PROCESS_UNIT,
  SUBGRAPH_METADATA,
  TENSOR_METADATA,
} from './schema.ts'

/** Union tags and enum values of the metadata schema. */
const IMAGE = 2
const NORMALIZE = 1
const COLOURS = ['unknown', 'RGB', 'grey']

/**
 * Everything a TFLite file says about itself in words, by the keys that ONNX exports use: `names`, `task`,
 * `imgsz`, `stride`, `license` and so on. Later sources win: the TFLITE_METADATA block, then the packed
 * `metadata.json` or `temp_meta.txt` of Ultralytics. A packed label map becomes `names`, with its file name in
 * `names_source`. Damaged metadata is left out; the graph is what counts.
 */
export function readMetadata(bytes: Uint8Array, graph: TfliteGraph): Record<string, string> {
  const metadata = new Map<string, string>()
  const add = (key: string, value: string | undefined) => {
    if (value === undefined || value === '' || value.length > MAX_METADATA_CHARACTERS) {
      return
    }
    if (metadata.size < MAX_METADATA_ENTRIES) {
      metadata.set(key, value)
    }
  }
  attempt(() => addBlock(graph.blobs.get('TFLITE_METADATA'), add))
  const files = packedFiles(bytes)
  for (const [name, text] of files) {
    if (/(^|\/)(metadata\.json|temp_meta\.txt)$/i.test(name)) {
      attempt(() => addLiteral(text, add))
    }
  }
  if (!metadata.has('names')) {
    const labels = labelFile(files)
    if (labels !== undefined) {
      add('names', JSON.stringify(labels.names))
      add('names_source', `${labels.file}, packed in the TFLite file`)
    }
  }
  return Object.fromEntries(metadata)
}

function attempt(read: () => void): void {
  try {
    read()
  } catch {
    // Metadata is a help and not the model: a damaged block is as good as none.
  }
}

type Add = (key: string, value: string | undefined) => void

/** The block that TensorFlow's metadata writer leaves: a FlatBuffer of its own. */
function addBlock(blob: Uint8Array | undefined, add: Add): void {
  if (blob === undefined) {
    return
  }
  const model = readRow(new FlatBuffer(blob).root(), MODEL_METADATA)
  add('title', model.name)
  add('description', model.description)
  add('version', model.version)
  add('author', model.author)
  add('license', model.license)
  const { inputs, outputs } = readRow(model.subgraphs[0], SUBGRAPH_METADATA)
  const [picture] = inputs
  if (picture !== undefined) {
    addPicture(picture, add)
  }
  const names = outputs.map((table) => readRow(table, TENSOR_METADATA).name ?? '')
  if (names.some((name) => name !== '')) {
    add('tflite.outputs', JSON.stringify(names))
  }
}

function addPicture(picture: Table, add: Add): void {
  const { content, processUnits } = readRow(picture, TENSOR_METADATA)
  const { propertiesType, properties } = readRow(content, CONTENT)
  if (propertiesType === IMAGE) {
    add('tflite.input.colour', COLOURS[readRow(properties, IMAGE_PROPERTIES).colorSpace])
  }
  for (const unit of processUnits) {
    const { optionsType, options } = readRow(unit, PROCESS_UNIT)
    if (optionsType !== NORMALIZE) {
      continue
    }
    const { mean, std } = readRow(options, NORMALIZATION)
    add('tflite.input.mean', mean && JSON.stringify(mean))
    add('tflite.input.std', std && JSON.stringify(std))
  }
}

/** `metadata.json` is JSON, `temp_meta.txt` the same as Python writes it. */
function addLiteral(text: string, add: Add): void {
  const literal = parsePythonLiteral(text)
  if (!(literal instanceof Map)) {
    return
  }
  for (const [key, value] of literal) {
    add(String(key), asText(value))
  }
}

/** As the same exporter writes it into ONNX files, where every value is Python's `str`. */
function asText(value: PythonValue): string {
  if (typeof value === 'string') {
    return value
  }
  if (value === null) {
    return 'None'
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False'
  }
  return typeof value === 'number' ? String(value) : JSON.stringify(asJson(value))
}

function asJson(value: PythonValue): unknown {
  if (Array.isArray(value)) {
    return value.map(asJson)
  }
  if (!(value instanceof Map)) {
    return value
  }
  return Object.fromEntries([...value].map(([key, inner]) => [String(key), asJson(inner)]))
}

/** Rows that stand for an id without a class. */
const GAP = '???'
const NOT_LABELS = /temp_meta|calibration|vocab/i

function labelFile(files: Map<string, string>): { file: string; names: Record<string, string> } | undefined {
  const texts = [...files.keys()].filter((name) => /\.txt$/i.test(name) && !NOT_LABELS.test(name))
  const file = texts.find((name) => /label|class|names/i.test(name)) ?? texts[0]
  if (file === undefined) {
    return undefined
  }
  const lines = files.get(file)!.trimEnd().split(/\r?\n/)
  const named = lines.map((line, id) => [String(id), line.trim()] as const)
  return { file, names: Object.fromEntries(named.filter(([, name]) => name !== '' && name !== GAP)) }
}
