import { isStackAddress } from '../../aws/jobs/address.ts'
import { BoxletError } from '../../errors.ts'
import type { JobHome, OwnBlobs } from '../../jobs/home.ts'
import { StoredBlobs } from '../../jobs/stored-blobs.ts'
import { ContentBlobs } from '../../local/content-blobs.ts'
import { defaultStoreFolder, isStore, type LocalHome, openHome } from '../../local/home.ts'
import { isPostgresAddress } from '../../postgres/address.ts'
import { defined } from '../../system/defined.ts'
import type { Options, Settings } from '../kit/option-spec.ts'

/** Where jobs are kept: a folder of this machine, or a database that several machines share. */
export const STORE_OPTION = {
  store: {
    type: 'string',
    says: 'folder in which jobs and their results are kept, postgres://USER@HOST/DATABASE for several machines, or aws://STACK',
    group: 'Where',
    value: 'STORE',
    otherwise: '~/.local/share/boxlet/jobs',
    completes: 'folder',
  },
  'store-blobs': {
    type: 'string',
    says: 'where a new store in PostgreSQL keeps pictures: s3://BUCKET/PREFIX, or a folder that all machines share',
    group: 'Where',
    value: 'WHERE',
    otherwise: 'as the store remembers it',
    completes: 'folder',
  },
} as const satisfies Options

export type StoreValues = Partial<Settings<typeof STORE_OPTION>>
type Env = Readonly<Record<string, string | undefined>>

/** @throws BoxletError STORE_VERSION, STORE_CORRUPT, STORE_UNAVAILABLE; USAGE for an address */
export async function openStore(values: StoreValues, env: Env): Promise<JobHome> {
  const { store, 'store-blobs': blobs } = values
  if (store !== undefined && isPostgresAddress(store)) {
    const { openPostgresHome } = await import('../../postgres/home.ts')
    return openPostgresHome(store, {
      openBlobs: await blobOpener(env),
      ...defined({ blobs }),
    })
  }
  if (store !== undefined && isStackAddress(store)) {
    const { openStackHome } = await import('../../aws/deploy/stack-home.ts')
    return openStackHome(store)
  }
  return openFolder(values, env)
}

/**
 * For verbs that put nothing into a store: a name that was typed wrongly must not look like a store without jobs.
 *
 * @throws BoxletError as `openStore`, and STORE_UNAVAILABLE where a folder is named that holds no store
 */
export async function openExisting(values: StoreValues, env: Env): Promise<JobHome> {
  await expectStore(values.store)
  return openStore(values, env)
}

export async function expectStore(store: string | undefined): Promise<void> {
  if (store === undefined || isAddress(store) || (await isStore(store))) {
    return
  }
  throw new BoxletError('STORE_UNAVAILABLE', `Expected a store of jobs in "${store}" but there is none.`, {
    hint: 'Check the name, or begin one there with "boxlet jobs submit", "watch" or "serve".',
  })
}

/** For what only a store in a folder can do. @throws BoxletError USAGE for another */
export async function openFolder(values: StoreValues, env: Env): Promise<LocalHome> {
  return openHome(folderOf(values, env))
}

const isAddress = (store: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(store)

/** @throws BoxletError USAGE where it is no folder */
export function folderOf({ store, 'store-blobs': blobs }: StoreValues, env: Env): string {
  if (store !== undefined && isAddress(store)) {
    throw new BoxletError('USAGE', 'Expected a folder for --store but received an address.', {
      hint: isPostgresAddress(store)
        ? 'Back up a store in PostgreSQL with pg_dump, and its pictures where they lie.'
        : 'Stores are folders, postgres://USER@HOST/DATABASE, or aws://STACK.',
    })
  }
  if (blobs !== undefined) {
    throw new BoxletError('USAGE', 'Expected no --store-blobs, since a folder keeps its pictures in itself.')
  }
  return store ?? defaultStoreFolder(env)
}

/** S3 is loaded before it is known whether the place is one; the store remembers which. */
async function blobOpener(env: Env): Promise<(where: string) => OwnBlobs> {
  const { S3BlobStore } = await import('../../aws/clients/s3-blob-store.ts')
  return (where) => {
    const match = /^s3:\/\/([^/]{1,63})\/?(.{0,512})$/.exec(where)
    if (match === null) {
      return new ContentBlobs(where)
    }
    const [, bucket, prefix] = match as unknown as [string, string, string]
    // Servers other than Amazon's are named by the variables that the SDK reads too.
    const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
    const region =
      env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? (endpoint === undefined ? undefined : 'us-east-1')
    return new StoredBlobs(new S3BlobStore(defined({ endpoint, region })), {
      bucket,
      prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    })
  }
}
