import { MAX_CLASSES, MAX_NAME_CHARACTERS, tooLarge } from './limits.ts'
import { type PyDict, PyObject, type PyValue } from './pickle/values.ts'
import type { Trained } from './trained.ts'

/** What the file says about the network and its training, apart from the layers. */
export interface CheckpointFacts {
  /** Class of the network, `ultralytics.nn.tasks.DetectionModel`. */
  network: string
  /** Version of the trainer, where it says so. */
  version: string | undefined
  /** When it was trained, as the trainer wrote it. */
  date: string | undefined
  licence: string | undefined
  docs: string | undefined
  task: string | undefined
  /** Names of the classes in order; undefined when the file has none or not one for each. */
  names: string[] | undefined
  /** Height and width that it was trained for, where the file says so. */
  imageSize: { height: number; width: number } | undefined
  /** What the trainer measured on its validation set, `metrics/mAP50(B)` for one. */
  metrics: Record<string, number>
  /** Number of epochs that the training was to take, and the data that it was given. */
  epochs: number | undefined
  data: string | undefined
}

export function readFacts({ network, around }: Trained): CheckpointFacts {
  const own = network.attributes
  const args = [around.get('train_args'), own.get('args'), own.get('overrides'), around.get('opt')]
    .map(dictionaryOf)
    .filter((dict) => dict !== undefined)
  const argument = (key: string): PyValue | undefined =>
    args.map((dict) => dict.get(key)).find((value) => value != null)
  const numbers = numbersOf(around.get('train_metrics'))
  return {
    network: network.type,
    version: textOf(around.get('version')),
    date: textOf(around.get('date')),
    licence: textOf(around.get('license')),
    docs: textOf(around.get('docs')),
    task: textOf(own.get('task') ?? argument('task')),
    names: namesOf(own.get('names') ?? around.get('names')),
    imageSize: sizeOf(argument('imgsz') ?? argument('img_size')),
    metrics: numbers,
    epochs: countOf(argument('epochs')),
    data: textOf(argument('data')),
  }
}

/** A dictionary, or the attributes of an object that is used as one (argparse.Namespace). */
const dictionaryOf = (value: PyValue | undefined): PyDict | undefined =>
  value instanceof Map
    ? value
    : value instanceof PyObject && value.attributes.size > 0
      ? value.attributes
      : undefined

const MAX_TEXT = 2_048

const textOf = (value: PyValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : undefined

const countOf = (value: PyValue | undefined): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined

/** One number for both edges, or height and width. */
function sizeOf(value: PyValue | undefined): CheckpointFacts['imageSize'] {
  const pair = Array.isArray(value) ? value : [value, value]
  const [height, width = height] = pair
  return pair.length <= 2 && countOf(height) && countOf(width)
    ? { height: height as number, width: width as number }
    : undefined
}

/** A list, or a dictionary from class id to name that counts from 0 without gaps. */
function namesOf(value: PyValue | undefined): string[] | undefined {
  const list = Array.isArray(value)
    ? value
    : value instanceof Map
      ? Array.from({ length: value.size }, (_, id) => value.get(id))
      : undefined
  const isWhole =
    list !== undefined && list.length > 0 && list.length <= MAX_CLASSES && list.every((name) => isName(name))
  if (!isWhole) {
    return undefined
  }
  const names = list.map((name) => String(name))
  const long = names.find((name) => name.length > MAX_NAME_CHARACTERS)
  if (long !== undefined) {
    throw tooLarge('characters of a class name', MAX_NAME_CHARACTERS, long.length)
  }
  return names
}

/** Data sets of numbers have numbers as names. */
const isName = (value: PyValue | undefined): boolean => typeof value === 'string' || typeof value === 'number'

function numbersOf(value: PyValue | undefined): Record<string, number> {
  const numbers: Record<string, number> = Object.create(null)
  for (const [key, number] of value instanceof Map ? value : []) {
    if (typeof key === 'string' && typeof number === 'number' && Number.isFinite(number)) {
      numbers[key.slice(0, 80)] = number
    }
    if (Object.keys(numbers).length >= 64) {
      break
    }
  }
  return numbers
}
