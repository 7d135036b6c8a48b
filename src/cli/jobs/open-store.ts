import type { JobHome } from '../../jobs/home.ts'
import { defaultStoreFolder, openHome } from '../../local/home.ts'
import type { Options, Settings } from '../kit/option-spec.ts'

/** Where jobs are kept: a folder of this machine, or a database that several machines share. */
export const STORE_OPTION = {
  store: {
    type: 'string',
    says: 'folder in which jobs and their results are kept',
    group: 'Where',
    value: 'DIR',
    otherwise: '~/.local/share/boxlet/jobs',
    completes: 'folder',
  },
} as const satisfies Options

export type StoreValues = Partial<Settings<typeof STORE_OPTION>>

/** @throws BoxletError STORE_VERSION, STORE_CORRUPT, STORE_UNAVAILABLE */
export const openStore = (
  { store }: StoreValues,
  env: Readonly<Record<string, string | undefined>>,
): Promise<JobHome> => openHome(store ?? defaultStoreFolder(env))
