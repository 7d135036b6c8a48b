import { readFile } from 'node:fs/promises'
import type { ContractParts, LoadOptions } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import type { Options, Settings } from './option-spec.ts'

export const DEFAULT_MODEL = 'yolov8n'

/** What a model expects and gives, where the file does not say it or says it wrongly. */
export const CONTRACT_OPTIONS = {
  labels: {
    type: 'string',
    says: 'class names: classes.txt, data.yaml, class_map.json and other forms',
    group: 'Model',
    value: 'FILE',
    completes: 'file',
    alsoKnownAs: ['names', 'class-names', 'label-map'],
  },
  contract: {
    type: 'string',
    says: 'contract to use instead of the recognised one: what the model expects and returns',
    group: 'Model',
    value: 'FILE',
    completes: 'file',
  },
  set: {
    type: 'string',
    says: 'one part of the contract, such as input.colour=BGR',
    group: 'Model',
    value: 'PATH=VALUE',
    multiple: true,
  },
} as const satisfies Options

/** Options of every verb that loads a model. */
export const MODEL_OPTIONS = {
  model: {
    type: 'string',
    says: 'name in the catalogue, or an .onnx, .tflite or .pt file',
    group: 'Model',
    value: 'NAME|FILE',
    short: 'm',
    completes: 'model',
    alsoKnownAs: ['weights', 'checkpoint'],
  },
  ...CONTRACT_OPTIONS,
  threads: {
    type: 'number',
    says: 'processor threads of one run',
    group: 'Model',
    integer: true,
    min: 1,
    max: 256,
    otherwise: 'as many as the process may use',
    alsoKnownAs: ['num-threads', 'cpu-threads'],
  },
  'as-is': {
    type: 'boolean',
    says: 'run the graph of the file itself, not the equivalent faster one',
    group: 'Model',
  },
} as const satisfies Options

/** What `Detector.load` takes, from the options of a verb. */
export async function modelOptions(values: Partial<Settings<typeof MODEL_OPTIONS>>): Promise<LoadOptions> {
  const contract = await contractOption(values)
  return {
    ...defined({ contract, labels: values.labels, threads: values.threads }),
    ...(values['as-is'] && { asIs: true }),
  }
}

/** A contract file with the single parts of `--set` laid over it. */
async function contractOption({
  contract,
  set,
}: Partial<Settings<typeof MODEL_OPTIONS>>): Promise<string | ContractParts | undefined> {
  if (set === undefined || set.length === 0) {
    return contract
  }
  const parts = contract === undefined ? {} : await readJson(contract)
  for (const assignment of set) {
    assign(parts, assignment)
  }
  return parts as ContractParts
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new BoxletError(
      'CONTRACT_INVALID',
      `Expected a readable JSON file for the contract but "${path}" is not.`,
      { cause },
    )
  }
}

/** `input.colour=BGR`, `input.mean=[0,0,0]`: the value is JSON where it can be, else text. */
function assign(target: Record<string, unknown>, assignment: string): void {
  const match = /^([A-Za-z$][\w$]*(?:\.[A-Za-z$][\w$]*)*)=(.*)$/s.exec(assignment)
  const keys = match?.[1]?.split('.') ?? []
  if (match === null || keys.some((key) => key === '__proto__' || key === 'constructor')) {
    throw new BoxletError('USAGE', `Expected PATH=VALUE for --set but received "${assignment}".`, {
      hint: 'For example --set input.colour=BGR.',
    })
  }
  let place = target
  for (const key of keys.slice(0, -1)) {
    if (typeof place[key] !== 'object' || place[key] === null) {
      place[key] = {}
    }
    place = place[key] as Record<string, unknown>
  }
  place[keys.at(-1)!] = jsonOrText(match[2]!)
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
