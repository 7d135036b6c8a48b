import { readFile } from 'node:fs/promises'
import type { ParseError } from 'jsonc-parser'
import { BoxletError } from '../../errors.ts'
import { isRecord } from '../../system/record.ts'

/** The file beside which people work: keys in camelCase, common ones at the top, others under their verb. */
export const CONFIG_FILE = 'boxlet.config.json'
/** Hand-written settings are a few lines; more is another file of this name. */
const MAX_CONFIG_BYTES = 2 ** 20

/** @throws BoxletError CONFIG_INVALID for a file that is there and is no JSON object */
export async function readConfigFile(): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(CONFIG_FILE, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      return {}
    }
    throw new BoxletError('CONFIG_INVALID', `Expected a readable ${CONFIG_FILE} but it cannot be read.`, {
      cause,
    })
  }
  if (text.length > MAX_CONFIG_BYTES) {
    throw invalid('more than 1 MiB')
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw invalid(await faultIn(text), cause)
  }
  if (!isRecord(parsed)) {
    throw invalid(Array.isArray(parsed) ? 'a list' : typeof parsed)
  }
  return parsed
}

const invalid = (received: string, cause?: unknown) =>
  new BoxletError('CONFIG_INVALID', `Expected a JSON object in ${CONFIG_FILE} but received ${received}.`, {
    cause,
  })

/** What Node says of broken JSON differs by version and often has no place. */
async function faultIn(text: string): Promise<string> {
  const { parse, printParseErrorCode } = await import('jsonc-parser')
  const errors: ParseError[] = []
  parse(text, errors, { disallowComments: true })
  const first = errors[0]
  if (first === undefined) {
    return 'text that is not JSON'
  }
  const before = text.slice(0, first.offset).split('\n')
  const fault = printParseErrorCode(first.error).replace(
    /(?<=[a-z])[A-Z]/g,
    (letter) => ` ${letter.toLowerCase()}`,
  )
  return `a fault in line ${before.length}, column ${before.at(-1)!.length + 1}: ${fault.toLowerCase()}`
}
