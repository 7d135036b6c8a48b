import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { BoxletError } from '../../errors.ts'

/**
 * The SDK looks for credentials everywhere else when the profile is missing, and in the end says only that it has
 * found none.
 *
 * @returns undefined where no profile is named, or it is there
 */
export async function missingProfile(
  cause: unknown,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<BoxletError | undefined> {
  const name = env.AWS_PROFILE
  if (name === undefined || name === '') {
    return undefined
  }
  const files = [
    env.AWS_CONFIG_FILE ?? join(homedir(), '.aws', 'config'),
    env.AWS_SHARED_CREDENTIALS_FILE ?? join(homedir(), '.aws', 'credentials'),
  ]
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
  if (texts.some((text) => profilesIn(text).includes(name))) {
    return undefined
  }
  return new BoxletError('FORBIDDEN', `Expected the profile "${name}" of AWS_PROFILE but there is none.`, {
    cause,
    hint: 'Choose one of "aws configure list-profiles", or make it with "aws configure".',
  })
}

/** One file writes `[profile name]`, the other `[name]`. */
const profilesIn = (text: string): string[] =>
  [...text.matchAll(/^[ \t]*\[[ \t]*(?:profile[ \t]+)?["']?([^\]"'\n]+?)["']?[ \t]*\]/gm)].map(
    ([, name]) => name!,
  )
