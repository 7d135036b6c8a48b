import { BoxletError } from '../../errors.ts'

/** In Lambda's words. */
export type Architecture = 'arm64' | 'x86_64'
export const ARCHITECTURES: readonly Architecture[] = ['arm64', 'x86_64']

/** In Node's words. */
export const nodeArch = (arch: Architecture): 'arm64' | 'x64' => (arch === 'x86_64' ? 'x64' : 'arm64')

/** What this machine could run; undefined where it is neither. */
export const hostArchitecture = (): Architecture | undefined =>
  process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'arm64' : undefined

/** What a package was built for, by the names of the files in it; undefined for another's zip. */
export const packagedArchitecture = (names: readonly string[]): Architecture | undefined =>
  ARCHITECTURES.find((arch) => names.some((name) => name.startsWith(`native/sharp-linux-${nodeArch(arch)}/`)))

export function parseArchitecture(text: string): Architecture {
  if (text === 'x64' || text === 'amd64') {
    return 'x86_64'
  }
  const found = ARCHITECTURES.find((arch) => arch === text)
  if (found === undefined) {
    throw new BoxletError('USAGE', `Expected arm64 or x86_64 for the architecture but received "${text}".`)
  }
  return found
}
