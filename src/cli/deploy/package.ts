import { basename } from 'node:path'
import type { Stack } from '@aws-sdk/client-cloudformation'
import { type PackageRecord, readRecord, recordOf } from '../../aws/deploy/package-record.ts'
import { parametersOf } from '../../aws/deploy/stack.ts'
import { parseArchitecture } from '../../aws/package/architecture.ts'
import type { PackageResult } from '../../aws/package/build-package.ts'
import { BoxletError } from '../../errors.ts'
import { readEntry } from '../../store/catalogue.ts'
import { DEFAULT_MODEL } from '../kit/model-options.ts'
import type { Settings } from '../kit/option-spec.ts'
import type { Io } from '../kit/verb.ts'
import { type PACKAGE_OPTIONS, packageFor } from '../package/options.ts'

type PackageSettings = Settings<typeof PACKAGE_OPTIONS>

/**
 * Builds what is to be deployed. What is left out keeps its value: without any option of the package, a stack
 * that stands keeps the one that it has.
 *
 * @returns undefined to keep the package of the stack
 */
export async function packageToDeploy(
  values: PackageSettings,
  before: Stack | undefined,
  io: Io,
): Promise<{ package: PackageResult; record: PackageRecord } | undefined> {
  if (before === undefined) {
    return build(values, values.model ?? DEFAULT_MODEL, io)
  }
  const arch = parametersOf(before).Architecture
  const otherArch = values.arch !== undefined && parseArchitecture(values.arch) !== arch
  const { model, labels, contract, set, quantize, 'model-in': place } = values
  const chosen = [model, labels, contract, set, quantize, place].some((value) => value !== undefined)
  if (!chosen && !otherArch) {
    return undefined
  }
  const record = readRecord(before)
  const kept = { ...values, arch: values.arch ?? arch ?? 'arm64' }
  if (model !== undefined) {
    const built = await build(kept, model, io)
    if (record?.model === basename(model) && forgets(values, built.record, record)) {
      io.stderr.write(
        'boxlet: The class names or the contract are not those that the stack had; --labels, --contract and --set belong to --model.\n',
      )
    }
    return built
  }
  const again = await modelOf(record, before, io)
  const licences = [...new Set([...(values['accept-licence'] ?? []), ...(record?.licences ?? [])])]
  const built = await build({ ...kept, 'accept-licence': licences }, again, io)
  if (record !== undefined && forgets(values, built.record, record)) {
    throw new BoxletError(
      'USAGE',
      `Expected the class names and the contract of the stack for "${again}" but they were given in files.`,
      { hint: `Add --model ${again} with --labels, --contract or --set as before.` },
    )
  }
  return built
}

async function build(values: PackageSettings, model: string, io: Io) {
  const built = await packageFor(values, model, io)
  return { package: built, record: recordOf(model, built, values['accept-licence'] ?? []) }
}

/** True when what was given once would be lost, since it was not given again. */
const forgets = (values: PackageSettings, now: PackageRecord, before: PackageRecord): boolean =>
  values.labels === undefined &&
  values.contract === undefined &&
  values.set === undefined &&
  (now.labels !== before.labels || now.contract !== before.contract)

/** The model of a stack that can be found again by its name alone. */
async function modelOf(record: PackageRecord | undefined, stack: Stack, io: Io): Promise<string> {
  const name = record?.model
  if (name === 'none' || (name !== undefined && (await readEntry(name, io.env)) !== undefined)) {
    return name
  }
  throw new BoxletError(
    'USAGE',
    `Expected --model for another package of the stack ${stack.StackName} but received none.`,
    { hint: name === undefined ? 'The stack does not say which one it runs.' : `It runs the file ${name}.` },
  )
}
