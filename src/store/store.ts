/**
 * The model store: from a name of the catalogue or a path to a file on this machine whose bytes are known.
 * `list`, `pull` and `remove` manage what is cached; nothing else of Boxlet touches the cache.
 */

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import type { Contract, Licence } from '../model/contract.ts'
import { defined } from '../system/defined.ts'
import type { Environment } from '../system/environment.ts'
import { type LockFaults, withLock } from '../system/lock.ts'
import { makeFolder } from '../system/make-folder.ts'
import { nearestNames } from '../system/words.ts'
import {
  cachedPath,
  checkCached,
  hashFile,
  isCacheFileOf,
  modelFolder,
  removeCached,
  unwritable,
} from './cache.ts'
import { catalogueNames, readCatalogue, readEntry } from './catalogue.ts'
import type { CatalogueEntry } from './catalogue-entry.ts'
import { type DownloadProgress, download } from './download.ts'
import { MAX_MODEL_BYTES } from './file-limit.ts'
import { labelsBeside } from './labels-beside.ts'
import { HUGGING_FACE } from './sources/address.ts'

export type { CatalogueEntry } from './catalogue-entry.ts'
export type { DownloadProgress } from './download.ts'

export interface StoreOptions {
  env: Environment
  signal?: AbortSignal | undefined
  onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Lines for a person, e.g. the licence of weights that are about to be fetched. */
  onNotice?: ((line: string) => void) | undefined
  /** Leaves a contract beside the model unread: only the file itself is asked. */
  ignoreContract?: boolean | undefined
}

export interface ResolvedModel {
  /** The catalogue's name, or the file's without its extension. */
  name: string
  /** A file on this machine that is ONNX or TFLite. */
  path: string
  /** The checkpoint that `path` was converted from, where the user named one. */
  checkpoint?: string
  /** Lower-case hex, of the file that the user named. */
  sha256: string
  /** A whole contract, from the catalogue or from the file beside the model. */
  contract?: Contract
  /** Parts that the catalogue lays over the recognised contract: `mergeContract(recognised, overrides)`. */
  overrides?: Record<string, unknown>
  /** The file that `contract` was read from, when it lies beside the model. */
  contractPath?: string
  licence?: Licence
  /** A label file beside the model under its name. */
  labels?: string
  /** Present for models of the catalogue. */
  catalogue?: CatalogueEntry
}

export interface ListedModel {
  entry: CatalogueEntry
  cached: boolean
}

/**
 * A name of the catalogue, or `hf:OWNER/REPO/FILE[@REVISION]`, is fetched unless it is cached; a path is used as it is.
 *
 * @throws BoxletError `MODEL_NOT_FOUND`, `MODEL_LIMIT`, `DOWNLOAD_FAILED`, `DOWNLOAD_MISMATCH`, `CACHE_UNWRITABLE`, `ABORTED`,
 * `CONTRACT_INVALID` for a contract beside the model that cannot be read.
 */
export async function resolveModel(nameOrPath: string, options: StoreOptions): Promise<ResolvedModel> {
  const entry = await readEntry(nameOrPath, options.env)
  if (entry !== undefined) {
    return resolveEntry(entry, options)
  }
  if (nameOrPath.startsWith(HUGGING_FACE)) {
    return resolveHuggingFace(nameOrPath, options)
  }
  const info = await stat(nameOrPath).catch(() => undefined)
  if (info?.isFile()) {
    return resolveFile(nameOrPath, info.size, options)
  }
  throw await notFound(nameOrPath, info?.isDirectory() ?? false, options.env)
}

/** Fetches a model of the catalogue unless it is cached already. */
export async function pullModel(name: string, options: StoreOptions): Promise<ResolvedModel> {
  if (name.startsWith(HUGGING_FACE)) {
    return resolveHuggingFace(name, options, true)
  }
  return resolveEntry(await knownEntry(name, options.env), options)
}

async function resolveHuggingFace(
  name: string,
  options: StoreOptions,
  refresh = false,
): Promise<ResolvedModel> {
  const { fetchHuggingFace } = await import('./hugging-face.ts')
  const model = await fetchHuggingFace(name, { ...options, refresh, isOffline: isOffline(options.env) })
  const info = await stat(model.path)
  return { ...(await resolveFile(model.path, info.size, options)), ...model }
}

/** Removes a model from the cache, versions of former catalogues included; false when it was not there. */
export async function removeModel(name: string, options: Pick<StoreOptions, 'env'>): Promise<boolean> {
  const entry = await knownEntry(name, options.env)
  const folder = modelFolder(options.env)
  let removed = false
  for (const file of await readdir(folder).catch(() => [])) {
    if (isCacheFileOf(entry, file)) {
      removed = (await removeCached(join(folder, file))) || removed
    }
  }
  return removed
}

/** All models of the catalogue by name, and which of them are cached. */
export async function listModels(options: Pick<StoreOptions, 'env'>): Promise<ListedModel[]> {
  const entries = await readCatalogue(options.env)
  return Promise.all(
    entries.map(async (entry) => {
      const info = await stat(cachedPath(entry, options.env)).catch(() => undefined)
      return { entry, cached: info?.size === entry.bytes }
    }),
  )
}

async function knownEntry(name: string, env: Environment): Promise<CatalogueEntry> {
  const entry = await readEntry(name, env)
  if (entry === undefined) {
    throw await notFound(name, false, env)
  }
  return entry
}

async function resolveEntry(entry: CatalogueEntry, options: StoreOptions): Promise<ResolvedModel> {
  const path = cachedPath(entry, options.env)
  const resolved: ResolvedModel = {
    name: entry.name,
    path,
    sha256: entry.sha256,
    licence: { name: entry.licence.name, class: entry.licence.class },
    catalogue: entry,
    ...defined({ contract: entry.contract, overrides: entry.overrides }),
  }
  if ((await checkCached(entry, path)) === 'verified') {
    return resolved
  }
  if (isOffline(options.env)) {
    throw offline(entry)
  }
  await makeFolder(modelFolder(options.env)).catch((error) => {
    throw unwritable('be written', error)
  })
  const onWait = () => options.onNotice?.(`Waiting for another process that is fetching "${entry.name}".`)
  await withLock(`${path}.lock`, { ...LOCK, signal: options.signal, onWait }, async () => {
    // Another process may have brought it while this one waited.
    const state = await checkCached(entry, path)
    if (state === 'verified') {
      return
    }
    if (state === 'corrupt') {
      options.onNotice?.(`The cached file of "${entry.name}" is damaged and is fetched again.`)
      await removeCached(path)
    }
    noticeLicence(entry, options)
    await download(entry, path, options)
  })
  return resolved
}

function noticeLicence(entry: CatalogueEntry, options: StoreOptions): void {
  const { name, class: kind } = entry.licence
  if (kind === 'permissive') {
    return
  }
  const meaning = {
    copyleft: 'copyleft: it may bind what you build on it',
    'non-commercial': 'not for commercial use',
    unknown: 'its terms are not known',
  }[kind]
  options.onNotice?.(`The weights of "${entry.name}" are under ${name} (${meaning}).`)
}

const LOCK: LockFaults = {
  unusable: unwritable,
  cancelled: () =>
    new BoxletError('ABORTED', 'Expected the download to begin but it was cancelled.', {
      hint: 'Nothing was kept; the next use starts it again.',
    }),
}

export const isOffline = (env: Environment): boolean => !['', '0', 'false'].includes(env.BOXLET_OFFLINE ?? '')

const offline = (entry: CatalogueEntry): BoxletError =>
  new BoxletError(
    'DOWNLOAD_FAILED',
    `Expected the model "${entry.name}" in the cache, because BOXLET_OFFLINE is set, but it is not there.`,
    { hint: `Run "boxlet model pull ${entry.name}" with a network first, or unset BOXLET_OFFLINE.` },
  )

async function resolveFile(path: string, bytes: number, options: StoreOptions): Promise<ResolvedModel> {
  if (bytes > MAX_MODEL_BYTES) {
    throw new BoxletError(
      'MODEL_LIMIT',
      `Expected a model of at most ${MAX_MODEL_BYTES} bytes but received ${bytes}.`,
      { hint: 'Check that the file is a model.' },
    )
  }
  const sha256 = await hashFile(path, options.signal).catch((error: NodeJS.ErrnoException) => {
    if (options.signal?.aborted) {
      throw new BoxletError('ABORTED', 'Expected to read the model but it was cancelled.', { cause: error })
    }
    throw new BoxletError('MODEL_NOT_FOUND', `Expected a readable model file but received ${error.code}.`, {
      cause: error,
      hint: 'Check the permissions of the file.',
    })
  })
  const { convertedCheckpoint } = await import('./checkpoints.ts')
  const converted = await convertedCheckpoint(path, sha256, options)
  const beside = options.ignoreContract ? undefined : await contractBeside(path)
  const labels = await labelsBeside(path)
  return {
    name: basename(path, extname(path)),
    path: converted ?? path,
    ...(converted === undefined ? {} : { checkpoint: path }),
    sha256,
    ...defined({ labels }),
    ...(beside === undefined ? {} : { contract: beside.contract, contractPath: beside.path }),
    ...(beside?.contract.licence === undefined ? {} : { licence: beside.contract.licence }),
  }
}

/** `fridge.contract.json` for `fridge.onnx`. An empty one is what a shell makes before the command that fills it. */
async function contractBeside(modelPath: string): Promise<{ contract: Contract; path: string } | undefined> {
  const path = join(dirname(modelPath), `${basename(modelPath, extname(modelPath))}.contract.json`)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }
    throw unreadableContract(path, 'a file that cannot be read', error)
  }
  if (text === '') {
    return undefined
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw unreadableContract(path, 'text that is not JSON', error)
  }
  const { validateContract } = await import('../model/contract-schema.ts')
  return { contract: validateContract(value), path }
}

const unreadableContract = (path: string, what: string, cause: unknown): BoxletError =>
  new BoxletError('CONTRACT_INVALID', `Expected a contract in ${basename(path)} but received ${what}.`, {
    cause,
    hint: 'Mend the file, or remove it to have the contract inferred from the model.',
  })

async function notFound(nameOrPath: string, isFolder: boolean, env: Environment): Promise<BoxletError> {
  const near = nearestNames(basename(nameOrPath, extname(nameOrPath)), await catalogueNames(env))
  const meant = near.length === 0 ? '' : `Did you mean ${near.map((name) => `"${name}"`).join(' or ')}? `
  const isPath = /[\\/]|\.(onnx|tflite|pth?)$/i.test(nameOrPath)
  return new BoxletError(
    'MODEL_NOT_FOUND',
    isPath && !isFolder
      ? `Expected a model file but "${nameOrPath}" does not exist.`
      : `Expected the name of a model or the path of a model file but received ${isFolder ? 'a folder' : `"${nameOrPath}"`}.`,
    {
      hint: `${meant}${isPath ? 'Check the path, or run' : 'Run'} "boxlet model list" for the names.`,
      details: { suggestions: near },
    },
  )
}
