import { BoxletError } from '../../errors.ts'
import { isRecord } from '../../system/record.ts'
import { CONFIG_FILE, readConfigFile } from './config-file.ts'
import { didYouMean } from './suggest.ts'
import type { Io, Verb } from './verb.ts'

/** Variables that are no option of a verb: of the store, of services in the cloud, and of Boxlet's own tests. */
const OTHER_VARIABLES =
  /^BOXLET_(API_KEY|AUTH|CACHE|CATALOGUE|CORS_ORIGINS|DEBUG|DIRECT_PATH|KEYS?(_\w+)?|MODEL(_\w+)?|OFFLINE|RESULT_\w+|SERVICE\w*|STALL_SECONDS|WARM_UP|TEST_\w+|CORPUS|CHROMIUM|AWS_CLI|AWS_REQUIRED|AWS_TOOLS|FUZZ_RUNS|MOTO_LOG|SCREENSHOTS|TERRAFORM_PLUGINS)$/

/**
 * A misspelt setting would be ignored in silence, so all names are checked against the options of all verbs:
 * a wrong key in the file ends the call, a wrong variable is only told, for it may be another program's.
 *
 * @throws BoxletError CONFIG_INVALID
 */
export async function checkSettings(verb: Verb, verbs: () => Promise<Verb[]>, io: Io): Promise<void> {
  const file = await readConfigFile()
  const own = optionNames(verb)
  const keys = Object.keys(file).filter((key) => key !== '$schema' && !own.has(kebab(key)))
  const variables = Object.keys(io.env).filter(
    (name) => name.startsWith('BOXLET_') && !OTHER_VARIABLES.test(name) && !own.has(optionOf(name)),
  )
  const sections = Object.values(file).some(isRecord)
  if (keys.length === 0 && variables.length === 0 && !sections) {
    return
  }
  const all = await verbs()
  const known = new Set(all.flatMap((each) => [...optionNames(each)]))
  for (const [key, value] of Object.entries(file)) {
    const section = isRecord(value) ? all.find(({ name }) => name === key) : undefined
    if (section !== undefined) {
      await checkKeys(Object.keys(value as object), optionNames(section), `"${key}" of `)
    } else {
      await checkKeys([key], isRecord(value) ? new Set(all.map(({ name }) => name)) : known, '')
    }
  }
  for (const name of variables.filter((variable) => !known.has(optionOf(variable)))) {
    const meant = await didYouMean(optionOf(name), [...known])
    const flag = /"(.+?)"/.exec(meant)?.[1]
    const hint =
      flag === undefined ? '' : ` Did you mean ${`BOXLET_${flag.replaceAll('-', '_')}`.toUpperCase()}?`
    io.stderr.write(`boxlet: The variable ${name} is no setting of Boxlet and has no effect.${hint}\n`)
  }
}

async function checkKeys(keys: string[], known: ReadonlySet<string>, where: string): Promise<void> {
  for (const key of keys) {
    if (key === '$schema' || (known.has(kebab(key)) && !key.includes('-'))) {
      continue
    }
    const meant = await didYouMean(kebab(key), [...known])
    throw new BoxletError(
      'CONFIG_INVALID',
      `Expected a known setting for ${where}${CONFIG_FILE} but received "${key}".`,
      {
        hint: `${meant.replace(/(?<=\w)-(\w)/g, (_, letter: string) => letter.toUpperCase())}Keys are the options of the verbs in camelCase.`,
      },
    )
  }
}

/** The help of a verb names all its options, some as `--no-x`; a test holds it to that. */
export const optionNames = ({ help }: Verb): Set<string> =>
  new Set([...help.matchAll(/--(?:no-)?([a-z][a-z-]*[a-z]|[a-z])\b/g)].map(([, name]) => name!))

const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
const optionOf = (variable: string): string =>
  variable.slice('BOXLET_'.length).toLowerCase().replaceAll('_', '-')
