import { readFile } from 'node:fs/promises'
import type { ContractParts, LoadOptions } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import type { OptionSpec, Settings } from './config.ts'

/** Options of every verb that loads a model. */
export const MODEL_OPTIONS = {
  model: { type: 'string', short: 'm' },
  labels: { type: 'string' },
  contract: { type: 'string' },
  set: { type: 'string', multiple: true },
  threads: { type: 'number', integer: true, min: 1, max: 256 },
  'as-is': { type: 'boolean' },
} as const satisfies Record<string, OptionSpec>

export const DEFAULT_MODEL = 'yolov8n'

/** What `Detector.load` takes, from the options of a verb. */
export async function modelOptions(values: Settings<typeof MODEL_OPTIONS>): Promise<LoadOptions> {
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
}: Settings<typeof MODEL_OPTIONS>): Promise<string | ContractParts | undefined> {
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
