/**
 * Models of Hugging Face by `hf:OWNER/REPO/FILE[@REVISION]`. The first use asks which commit the revision is and what the
 * file's hash and licence are; from then on the file in the cache is used, by its hash, without a question.
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import type { Licence } from '../model/contract.ts'
import { defined } from '../system/defined.ts'
import { isRecord } from '../system/record.ts'
import { saveFile } from '../system/save-file.ts'
import { isUntouched, modelFolder } from './cache.ts'
import { type DownloadOptions, download } from './download.ts'
import {
  addressOf,
  type Found,
  headersFor,
  look,
  parseReference,
  type Reference,
  readJson,
} from './hugging-face-hub.ts'
import { SourceFault } from './sources/source.ts'

export interface HuggingFaceModel {
  /** Of the repository, which says more than `model.onnx`. */
  name: string
  path: string
  sha256: string
  licence?: Licence
}

/** What is kept of a reference once it is known. */
interface Known {
  commit: string
  sha256: string
  path: string
  licence?: Licence
  /** Files of weights beside the model, where it is kept in several. */
  weights?: { path: string; sha256: string }[]
}

/** Some config files carry more than labels, but never weights. */
const MAX_CONFIG_BYTES = 4 * 2 ** 20
export interface HuggingFaceOptions extends DownloadOptions {
  onNotice?: ((line: string) => void) | undefined
  /** Asks again what the revision is, as `model pull` does. */
  refresh?: boolean
  isOffline: boolean
}

/**
 * The file in the cache, fetched first where it is not there yet, with the labels of the `config.json` beside it.
 *
 * @throws BoxletError USAGE, MODEL_NOT_FOUND, DOWNLOAD_FAILED, DOWNLOAD_MISMATCH, CACHE_UNWRITABLE, ABORTED
 */
export async function fetchHuggingFace(name: string, options: HuggingFaceOptions): Promise<HuggingFaceModel> {
  const reference = parseReference(name)
  const folder = join(modelFolder(options.env), 'hf', reference.owner, reference.repo)
  const record = join(folder, `${encodeURIComponent(`${reference.file}@${reference.revision}`)}.json`)
  const known = options.refresh ? undefined : await readKnown(record)
  if (known !== undefined && (await areUntouched(folder, known))) {
    return modelOf(reference, folder, known)
  }
  if (options.isOffline) {
    throw new BoxletError(
      'DOWNLOAD_FAILED',
      `Expected "${name}" in the cache, because BOXLET_OFFLINE is set, but it is not there.`,
      { hint: `Run "boxlet model pull ${name}" with a network first, or unset BOXLET_OFFLINE.` },
    )
  }
  const found = await look(reference, name, options)
  const path = join(found.commit, reference.file)
  const target = join(folder, path)
  await mkdir(dirname(target), { recursive: true })
  tellLicence(name, found.licence, options)
  const { sha256 } = await download(
    {
      name: reference.repo,
      ...defined({ bytes: found.bytes, sha256: found.sha256 }),
      sources: [{ type: 'https', url: addressOf(reference, found.commit, reference.file, options.env) }],
    },
    target,
    { ...options, headersFor: headersFor(options.env) },
  )
  const weights = await fetchWeights(reference, found, folder, options)
  await keepLabels(reference, found.commit, target, options)
  const kept: Known = { commit: found.commit, sha256, path, weights, ...defined({ licence: found.licence }) }
  await saveFile(record, `${JSON.stringify(kept, null, 1)}\n`)
  if (reference.revision !== found.commit) {
    options.onNotice?.(
      `"${name}" is commit ${found.commit.slice(0, 12)} and stays it until it is pulled again.`,
    )
  }
  return modelOf(reference, folder, kept)
}

/** The files of weights that the repository has beside the model, each by its hash. */
async function fetchWeights(
  reference: Reference,
  { commit, weights }: Found,
  folder: string,
  options: HuggingFaceOptions,
): Promise<{ path: string; sha256: string }[]> {
  const fetched: { path: string; sha256: string }[] = []
  for (const { file, bytes, sha256 } of weights) {
    const path = join(commit, file)
    const got = await download(
      {
        name: basename(file),
        ...defined({ bytes, sha256 }),
        sources: [{ type: 'https', url: addressOf(reference, commit, file, options.env) }],
      },
      join(folder, path),
      { ...options, headersFor: headersFor(options.env) },
    )
    fetched.push({ path, sha256: got.sha256 })
  }
  return fetched
}

async function areUntouched(folder: string, { path, sha256, weights = [] }: Known): Promise<boolean> {
  for (const file of [{ path, sha256 }, ...weights]) {
    if (!(await isUntouched(join(folder, file.path), file.sha256))) {
      return false
    }
  }
  return true
}

const modelOf = (
  { repo }: Reference,
  folder: string,
  { path, sha256, licence }: Known,
): HuggingFaceModel => ({
  name: repo.toLowerCase(),
  path: join(folder, path),
  sha256,
  ...defined({ licence }),
})

async function readKnown(record: string): Promise<Known | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(record, 'utf8'))
    const isKnown =
      isRecord(value) && [value.commit, value.sha256, value.path].every((text) => typeof text === 'string')
    return isKnown ? (value as unknown as Known) : undefined
  } catch {
    return undefined
  }
}

/**
 * Labels of the nearest `config.json`, in the folder of the file or above it, beside the model under its name, where
 * they are found as labels of any other model.
 */
async function keepLabels(
  reference: Reference,
  commit: string,
  target: string,
  options: HuggingFaceOptions,
): Promise<void> {
  const labels = join(dirname(target), `${basename(target, extname(target))}.labels.json`)
  await rm(labels, { force: true })
  const folders = reference.file.split('/').slice(0, -1)
  for (let depth = folders.length; depth >= 0; depth--) {
    const file = [...folders.slice(0, depth), 'config.json'].join('/')
    try {
      const config = await readJson(
        addressOf(reference, commit, file, options.env),
        MAX_CONFIG_BYTES,
        options,
      )
      if (isRecord(config) && isRecord(config.id2label)) {
        await saveFile(labels, `${JSON.stringify({ id2label: config.id2label }, null, 1)}\n`)
        return
      }
    } catch (error) {
      // Most models of other libraries have none; that is no reason to do without the model.
      if (!(error instanceof SourceFault)) {
        throw error
      }
    }
  }
}

function tellLicence(name: string, licence: Licence | undefined, { onNotice }: HuggingFaceOptions): void {
  if (licence?.class !== 'permissive') {
    onNotice?.(
      licence === undefined
        ? `"${name}" states no licence; its terms are not known.`
        : `The weights of "${name}" are under ${licence.name}.`,
    )
  }
}
