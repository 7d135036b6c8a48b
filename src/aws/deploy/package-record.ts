/**
 * What a stack knows of its package, kept in its parameters and tags. With it a change of settings needs no
 * package, and another architecture of the same model can be built without naming the model again.
 */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { Stack } from '@aws-sdk/client-cloudformation'
import { BoxletError } from '../../errors.ts'
import type { Architecture } from '../package/architecture.ts'
import type { PackageResult } from '../package/build-package.ts'
import { type Artefacts, sizeOf } from './artefacts.ts'
import { artefactsIn } from './ledger.ts'
import type { AwsSession } from './session.ts'
import { parametersOf, tagsOf } from './stack.ts'

export interface PackageRecord {
  /** As it was named: of the catalogue, a file without its folder, or none. */
  model: string
  /** Short hashes; empty without. Hashes only, since what they stand for is a file of the user's. */
  labels: string
  contract: string
  /** Licences that were accepted by name. */
  licences: string[]
}

const PREFIX = 'boxlet:'
/** Letters that tags may have. */
const FORBIDDEN = /[^\p{L}\p{N} _.:/=+@-]/gu
const LONGEST_TAG = 256
const BETWEEN = '/'

/** @param model as it was given to the command */
export function recordOf(model: string, built: PackageResult, licences: readonly string[]): PackageRecord {
  const runs = built.model?.manifest.runs
  return {
    model: clean(basename(model)),
    labels: runs === undefined ? '' : short(built.model?.manifest.info.contract.labels ?? []),
    contract: runs === undefined ? '' : short(runs),
    licences: fitting([...new Set(licences.map(clean))]),
  }
}

const clean = (text: string): string => text.replace(FORBIDDEN, '-').slice(0, LONGEST_TAG)
/** As many from the start as one tag holds. A licence that is left out is asked for again when it matters. */
function fitting(names: string[]): string[] {
  const kept: string[] = []
  for (const name of names) {
    if ([...kept, name].join(BETWEEN).length <= LONGEST_TAG) {
      kept.push(name)
    }
  }
  return kept
}

const short = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)

/** Tags of a stack: ours, and those that others have put on it. */
export function stackTags(
  name: string,
  before: Stack | undefined,
  record: PackageRecord | undefined,
): Record<string, string> {
  const there = tagsOf(before)
  if (record === undefined) {
    return { ...there, [`${PREFIX}stack`]: name }
  }
  const others = Object.entries(there).filter(([key]) => !key.startsWith(PREFIX))
  const ours = Object.entries({ stack: name, ...record, licences: record.licences.join(BETWEEN) }).filter(
    ([, value]) => value !== '',
  )
  return {
    ...Object.fromEntries(others),
    ...Object.fromEntries(ours.map(([key, value]) => [PREFIX + key, value])),
  }
}

/** undefined where the stack says nothing of its model, as stacks that other tools have made. */
export function readRecord(stack: Stack | undefined): PackageRecord | undefined {
  const tags = tagsOf(stack)
  const model = tags[`${PREFIX}model`]
  if (model === undefined) {
    return undefined
  }
  const of = (key: string): string => tags[PREFIX + key] ?? ''
  return {
    model,
    labels: of('labels'),
    contract: of('contract'),
    licences: of('licences')
      .split(BETWEEN)
      .filter((one) => one !== ''),
  }
}

export interface StoredPackage {
  bucket: string
  artefacts: Artefacts
  arch: Architecture
  /** Lower-case hex. */
  hash: string
}

/**
 * The package that a stack runs, as it lies in its bucket.
 *
 * @throws BoxletError USAGE when it has gone, so that it has to be built again
 */
export async function storedPackage(session: AwsSession, stack: Stack): Promise<StoredPackage> {
  const parameters = parametersOf(stack)
  const { CodeBucket: bucket = '', Architecture: arch = 'arm64' } = parameters
  const artefacts = artefactsIn(parameters)
  for (const key of [artefacts.codeKey, artefacts.layerKey]) {
    if (key !== '' && (await sizeOf(session, bucket, key)) === undefined) {
      throw new BoxletError(
        'USAGE',
        `Expected the package of the stack ${stack.StackName} at ${key} of the bucket ${bucket} but it has gone.`,
        { hint: 'Name the model with --model to build it again.' },
      )
    }
  }
  const named = /([0-9a-f]{64})\.zip$/.exec(artefacts.codeKey)?.[1]
  const hash = named ?? createHash('sha256').update(artefacts.codeKey).digest('hex')
  return { bucket, artefacts, arch: arch as Architecture, hash }
}
