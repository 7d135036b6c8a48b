import { readFile } from 'node:fs/promises'
import { BoxletError } from '../../errors.ts'
import { moveJobs } from '../../jobs/move.ts'
import { FileBlobStore } from '../../local/file-blob-store.ts'
import { counted } from '../../system/words.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { openExisting, openStore, STORE_OPTION } from './open-store.ts'

const { store, 'store-blobs': storeBlobs } = STORE_OPTION

const OPTIONS = {
  from: {
    ...store,
    says: 'store whose jobs are copied: a folder, postgres://USER@HOST/DATABASE, or aws://STACK',
    own: true,
  },
  to: { ...store, says: 'store that takes them', own: true },
  'store-blobs': storeBlobs,
  blobs: {
    type: 'string',
    says: 'folder whose folders are buckets, for lists of pictures that were named as S3 objects',
    group: 'Where',
    value: 'DIR',
    completes: 'folder',
  },
} as const satisfies Options

export const verb = defineVerb({
  name: 'jobs move',
  summary: 'Copy all jobs of one store to another: a folder, PostgreSQL, or a stack on AWS.',
  about: `Stop what uses the old store first. Jobs keep their ids, results and idempotency keys; pictures that are not
    done are queued in the new store. What it has already is left as it is, so that a move that broke off is simply run
    again. The old store keeps what it has; delete it when you are content.`,
  options: OPTIONS,
  exits: '0 all is there, 2 wrong usage, 3 it broke off: run it again.',
  examples: [
    'boxlet jobs move --from ~/.local/share/boxlet/jobs --to postgres://boxlet@db.example/boxlet --store-blobs s3://boxlet-jobs-example/',
  ],
  alsoKnownAs: ['migrate', 'copy'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  if (values.from === undefined && values.to === undefined) {
    throw new BoxletError('USAGE', 'Expected a store for --from or --to but received neither.')
  }
  const from = await openExisting({ ...(values.from !== undefined && { store: values.from }) }, io.env)
  try {
    const blobs = values['store-blobs']
    const to = await openStore(
      {
        ...(values.to !== undefined && { store: values.to }),
        ...(blobs !== undefined && { 'store-blobs': blobs }),
      },
      io.env,
    )
    try {
      if (from.name === to.name) {
        throw new BoxletError('USAGE', 'Expected two stores but received one twice.')
      }
      const objects = new FileBlobStore(values.blobs ?? '.')
      const moved = await moveJobs({
        from,
        to,
        readFile: (path) => readFile(path).catch(() => undefined),
        getManifest: (ref, range) => objects.get(ref, range),
        signal: io.signal,
      })
      const known = moved.known === 0 ? '' : `; ${counted(moved.known, 'job')} were there already`
      io.stderr.write(
        `boxlet: copied ${counted(moved.jobs, 'job')} with ${counted(moved.pictures, 'picture')} to ${to.name}${known}.\n`,
      )
      if (moved.waiting > 0) {
        io.stderr.write(
          `boxlet: ${counted(moved.waiting, 'webhook')} of the old store wait for another try; move again later to take them along.\n`,
        )
      }
      return 0
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}
