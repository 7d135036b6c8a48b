/** The package of a deployment: uploaded before the plan, and taken back where nothing comes of it. */
import type { Stack } from '@aws-sdk/client-cloudformation'
import { BoxletError, toBoxletError } from '../../errors.ts'
import { counted } from '../../system/words.ts'
import type { PackageResult } from '../package/build-package.ts'
import { artefactBucketName, artefactsOf, ensureBucket, uploadPackage } from './artefacts.ts'
import { deleteEmptyBucket } from './bucket.ts'
import { commandFor } from './command.ts'
import { artefactsIn, noteUpload, prune, takeBackUpload } from './ledger.ts'
import { type PackageRecord, type StoredPackage, storedPackage } from './package-record.ts'
import type { AwsSession } from './session.ts'
import { parametersOf } from './stack.ts'

export interface ProvideOptions {
  stack: string
  artefactBucket: string
  /** undefined: the stack keeps the package that it has. */
  built: { package: PackageResult; record: PackageRecord } | undefined
  onStep(text: string): void
  signal: AbortSignal
}

export interface Provided {
  stored: StoredPackage
  /** Deletes what was uploaded and no stack refers to. Never throws: what stays is reported. */
  takeBack(): Promise<void>
}

/** Uploads the package, or finds the one that the stack has. */
export async function provide(
  session: AwsSession,
  options: ProvideOptions,
  before: Stack | undefined,
): Promise<Provided> {
  const { stack, artefactBucket: bucket, built, signal, onStep } = options
  if (built === undefined) {
    if (before !== undefined) {
      return { stored: await storedPackage(session, before), takeBack: async () => {} }
    }
    throw new BoxletError('USAGE', `Expected a package for the new stack ${stack} but received none.`, {
      hint: 'Name a model with --model.',
    })
  }
  const { sha256, arch } = built.package
  const made = await ensureBucket(session, bucket)
  const serving = before === undefined ? undefined : artefactsIn(parametersOf(before))
  const artefacts = artefactsOf(bucket, built.package)
  const former = await noteUpload(session, bucket, stack, artefacts, serving)
  const keys: string[] = []
  const takeBack = async (): Promise<void> => {
    try {
      const { objects, othersRemain } = await takeBackUpload(session, {
        bucket,
        stack,
        keys,
        former,
        serving,
      })
      if (objects > 0) {
        onStep(`Deleted what was uploaded: ${counted(objects, 'object')} of ${bucket}.`)
      }
      if (made && !othersRemain) {
        await deleteEmptyBucket(session, bucket)
      }
      if (serving === undefined && former.length > 0) {
        tellKept('the packages of former runs', 'them')
      }
    } catch {
      tellKept('what was uploaded', 'it')
    }
  }
  const tellKept = (what: string, it: string): void => {
    const place = bucket === artefactBucketName(session) ? [] : ['--artefacts', bucket]
    // With the stack standing, that command would take it along.
    const command =
      serving === undefined
        ? commandFor(session, 'destroy', stack, '--delete-artefacts', ...place)
        : keys.map((key) => `aws s3 rm s3://${bucket}/${key}`).join(' && ')
    onStep(`Kept: ${what} in ${bucket}${command === '' ? '.' : `; "${command}" deletes ${it}.`}`)
  }
  try {
    await uploadPackage(session, bucket, built.package, signal, (key, bytes) => {
      keys.push(key)
      onStep(`Uploading ${key} (${(bytes / 1e6).toFixed(1)} MB).`)
    })
  } catch (error) {
    await takeBack()
    throw error
  }
  return { stored: { bucket, artefacts, arch, hash: sha256 }, takeBack }
}

/** What nobody needs any more goes last; a fault there spoils nothing. */
export async function tidy(
  session: AwsSession,
  { stack, built, onStep }: ProvideOptions,
  { bucket, artefacts }: StoredPackage,
): Promise<void> {
  if (built === undefined) {
    return
  }
  try {
    const count = await prune(session, bucket, stack, artefacts)
    if (count > 0) {
      onStep(`Deleted ${counted(count, 'object')} of former packages.`)
    }
  } catch (error) {
    onStep(`Former packages are kept: ${toBoxletError(error).message}`)
  }
}
