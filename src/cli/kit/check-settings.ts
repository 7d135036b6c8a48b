import { BoxletError } from '../../errors.ts'
import { isRecord } from '../../system/record.ts'
import { keyOf, sectionOf, variableOf } from './config.ts'
import { CONFIG_FILE, readConfigFile } from './config-file.ts'
import { didYouMean, nearest } from './suggest.ts'
import { isVariable } from './variables.ts'
import type { Io, Verb } from './verb.ts'

/**
 * A misspelt setting would be ignored in silence, so all names are checked against the options of all verbs:
 * a wrong key in the file ends the call, a wrong variable is only told, for it may be another program's.
 *
 * @throws BoxletError CONFIG_INVALID
 */
export async function checkSettings(verb: Verb, verbs: () => Promise<Verb[]>, io: Io): Promise<void> {
  const file = await readConfigFile()
  const own = optionNames([verb])
  const keys = Object.keys(file).filter((key) => key !== '$schema' && !own.has(optionOfKey(key)))
  const variables = Object.keys(io.env).filter(
    (name) => name.startsWith('BOXLET_') && !isVariable(name) && !own.has(optionOfVariable(name)),
  )
  const sections = Object.values(file).some(isRecord)
  if (keys.length === 0 && variables.length === 0 && !sections) {
    return
  }
  const all = await verbs()
  const known = optionNames(all)
  for (const [key, value] of Object.entries(file)) {
    const ofSection = isRecord(value) ? all.filter((each) => sectionOf(each) === key) : []
    if (ofSection.length > 0) {
      await checkKeys(Object.keys(value as object), optionNames(ofSection), `"${key}" of `)
    } else {
      await checkKeys([key], isRecord(value) ? new Set(all.map(sectionOf)) : known, '')
    }
  }
  for (const name of variables.filter((variable) => !known.has(optionOfVariable(variable)))) {
    const meant = await nearest(optionOfVariable(name), [...known])
    const hint = meant === undefined ? '' : ` Did you mean ${variableOf(meant)}?`
    io.stderr.write(`boxlet: The variable ${name} is no setting of Boxlet and has no effect.${hint}\n`)
  }
}

async function checkKeys(keys: string[], known: ReadonlySet<string>, where: string): Promise<void> {
  for (const key of keys) {
    if (key === '$schema' || (known.has(optionOfKey(key)) && !key.includes('-'))) {
      continue
    }
    const names = [...known].map(keyOf)
    throw new BoxletError(
      'CONFIG_INVALID',
      `Expected a known setting for ${where}${CONFIG_FILE} but received "${key}".`,
      {
        hint: `${await didYouMean(keyOf(key), names)}Keys are the options of the verbs in camelCase.`,
      },
    )
  }
}

const optionNames = (verbs: readonly Verb[]): Set<string> =>
  new Set(verbs.flatMap(({ options }) => Object.keys(options)))

const optionOfKey = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
const optionOfVariable = (variable: string): string =>
  variable.slice('BOXLET_'.length).toLowerCase().replaceAll('_', '-')
