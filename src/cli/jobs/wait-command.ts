import type { Options } from '../kit/option-spec.ts'

/** Keys do not belong on a screen; they come from where they came from before. */
const SECRETS: readonly string[] = ['api-key', 'webhook-secret']

/**
 * The call that goes on waiting for jobs as this one did, to be copied into a shell.
 *
 * @param options of `jobs wait`; others of the call have done their part
 */
export function waitCommand(
  ids: readonly string[],
  values: Readonly<Record<string, unknown>>,
  options: Options,
): string {
  const words = ['boxlet', 'jobs', 'wait', ...ids]
  for (const [name, spec] of Object.entries(options)) {
    const value = values[name]
    if (value === undefined || value === spec.default || SECRETS.includes(name)) {
      continue
    }
    if (typeof value === 'boolean') {
      words.push(value ? `--${name}` : `--no-${name}`)
      continue
    }
    for (const one of Array.isArray(value) ? value : [value]) {
      words.push(`--${name}`, quoted(withoutPassword(String(one))))
    }
  }
  return words.join(' ')
}

/** `scheme://user:password@host`: the password is asked for, or taken from PGPASSWORD or .pgpass. */
const withoutPassword = (text: string): string => text.replace(/^([a-z]+:\/\/[^:@/]*):[^@/]*@/i, '$1@')

/** As POSIX shells read it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
