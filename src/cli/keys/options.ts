import { defaultKeyFile } from '../../server/key-file.ts'
import type { OptionSpec, Options } from '../kit/option-spec.ts'

/** The file with the keys, of the service and of the verbs that change it. */
export const KEYS_OPTION = {
  type: 'string',
  says: 'file with the keys, readable by its owner alone',
  value: 'FILE',
  otherwise: '~/.config/boxlet/keys.json',
  completes: 'file',
} as const satisfies OptionSpec

export const KEYS_OPTIONS = { keys: KEYS_OPTION } as const satisfies Options

export const keyFile = (keys: string | undefined, env: Record<string, string | undefined>): string =>
  keys ?? defaultKeyFile(env)
