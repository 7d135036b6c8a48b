/**
 * Models of Hugging Face by `hf:OWNER/REPO/FILE[@REVISION]`. The first use asks which commit the revision is and what the
 * file's hash and licence are; from then on the file in the cache is used, by its hash, without a question.
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import type { Licence } from '../model/contract.ts'
import { licenceOf } from '../model/licence.ts'
import { readBounded } from '../system/bytes.ts'
import { defined } from '../system/defined.ts'
import type { Environment } from '../system/environment.ts'
import { isRecord } from '../system/record.ts'
import { saveFile } from '../system/save-file.ts'
import { isUntouched, modelFolder } from './cache.ts'
import { type DownloadOptions, download } from './download.ts'
import { MAX_MODEL_BYTES } from './file-limit.ts'
import { HUGGING_FACE } from './sources/address.ts'
import { readHttps } from './sources/https.ts'
import { faultReason, SourceFault } from './sources/source.ts'

export interface HuggingFaceModel {
  /** Of the repository, which says more than `model.onnx`. */
  name: string
  path: string
  sha256: string
  licence?: Licence
}

interface Reference {
  owner: string
  repo: string
  /** Below the repository, with forward slashes. */
  file: string
  revision: string
}

/** What is kept of a reference once it is known. */
interface Known {
  commit: string
  sha256: string
  path: string
  licence?: Licence
}

/** Answers about a repository list all of its files: the largest have some ten thousand. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20
/** Some config files carry more than labels, but never weights. */
const MAX_CONFIG_BYTES = 4 * 2 ** 20
const PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/

/** @throws BoxletError USAGE for a name of another form */
export function parseReference(name: string): Reference {
  const [way = '', revision = 'main', ...more] = name.slice(HUGGING_FACE.length).split('@')
  const [owner = '', repo = '', ...parts] = way.split('/')
  const isSafe = (part: string) => part !== '' && part !== '.' && part !== '..' && !/[\\\p{Cc}]/u.test(part)
  if (
    more.length > 0 ||
    !PART.test(owner) ||
    !PART.test(repo) ||
    parts.length === 0 ||
    !parts.every(isSafe) ||
    !REVISION.test(revision) ||
    revision.split('/').includes('..')
  ) {
    throw new BoxletError(
      'USAGE',
      `Expected hf:OWNER/REPO/FILE[@REVISION] for the model but received "${name}".`,
      {
        hint: 'For example: hf:onnx-community/rfdetr_nano-ONNX/onnx/model.onnx@main',
      },
    )
  }
  return { owner, repo, file: parts.join('/'), revision }
}

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
  if (known !== undefined && (await isUntouched(join(folder, known.path), known.sha256))) {
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
  await keepLabels(reference, found.commit, target, options)
  const kept: Known = { commit: found.commit, sha256, path, ...defined({ licence: found.licence }) }
  await saveFile(record, `${JSON.stringify(kept, null, 1)}\n`)
  if (reference.revision !== found.commit) {
    options.onNotice?.(
      `"${name}" is commit ${found.commit.slice(0, 12)} and stays it until it is pulled again.`,
    )
  }
  return modelOf(reference, folder, kept)
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

/** Another host with the same paths, as mirrors have; `HF_ENDPOINT` is what Hugging Face's own tools read. */
const hostOf = (env: Environment): string => (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '')

/** The token is for the host itself and never for the storage to which it redirects. */
const headersFor =
  (env: Environment) =>
  (address: string): Record<string, string> => {
    const isHost = new URL(address).origin === new URL(hostOf(env)).origin
    return env.HF_TOKEN && isHost ? { authorization: `Bearer ${env.HF_TOKEN}` } : {}
  }

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

const addressOf = ({ owner, repo }: Reference, revision: string, file: string, env: Environment): string =>
  `${hostOf(env)}/${owner}/${repo}/resolve/${encodeURIComponent(revision)}/${encoded(file)}`

interface Found {
  commit: string
  licence?: Licence
  /** Undefined for a small file that is kept in the repository itself. */
  sha256?: string
  bytes?: number
}

/** source  https://huggingface.co/docs/hub/api, "GET /api/models/{repo_id}/revision/{revision}" with `blobs=true` */
async function look(reference: Reference, name: string, options: HuggingFaceOptions): Promise<Found> {
  const { owner, repo, file, revision } = reference
  const address = `${hostOf(options.env)}/api/models/${owner}/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`
  const answer = await readJson(address, MAX_ANSWER_BYTES, options).catch((cause: unknown) => {
    throw explain(cause, name, options)
  })
  const siblings = isRecord(answer) && Array.isArray(answer.siblings) ? answer.siblings.filter(isRecord) : []
  const entry = siblings.find(({ rfilename }) => rfilename === file)
  if (!isRecord(answer) || typeof answer.sha !== 'string' || !/^[0-9a-f]{7,64}$/.test(answer.sha)) {
    throw new BoxletError(
      'DOWNLOAD_FAILED',
      `Expected what is known of "${name}" but received another answer.`,
    )
  }
  if (entry === undefined) {
    const models = siblings
      .map(({ rfilename }) => String(rfilename))
      .filter((path) => /\.(onnx|tflite|pt)$/i.test(path))
    throw new BoxletError(
      'MODEL_NOT_FOUND',
      `Expected the file "${file}" in ${owner}/${repo} but there is none.`,
      {
        hint:
          models.length === 0 ? 'It has no ONNX or TFLite file.' : `It has ${models.slice(0, 8).join(', ')}.`,
      },
    )
  }
  const lfs = isRecord(entry.lfs) ? entry.lfs : {}
  const sha256 = typeof lfs.sha256 === 'string' && /^[0-9a-f]{64}$/.test(lfs.sha256) ? lfs.sha256 : undefined
  const bytes = Number.isSafeInteger(lfs.size) ? (lfs.size as number) : undefined
  if (bytes !== undefined && bytes > MAX_MODEL_BYTES) {
    throw new BoxletError(
      'MODEL_LIMIT',
      `Expected a model of at most ${MAX_MODEL_BYTES} bytes but received ${bytes}.`,
    )
  }
  const card = isRecord(answer.cardData) ? answer.cardData : {}
  const licence = typeof card.license === 'string' ? licenceOf({ license: card.license }) : undefined
  return { commit: answer.sha, ...defined({ licence, sha256, bytes }) }
}

/** A name that belongs to nobody and one that is not for the caller look alike: the host tells no strangers. */
function explain(cause: unknown, name: string, { env, signal }: HuggingFaceOptions): BoxletError {
  if (cause instanceof BoxletError) {
    return cause
  }
  if (signal?.aborted) {
    return new BoxletError('ABORTED', `Expected to look for "${name}" but it was cancelled.`, { cause })
  }
  const reason = faultReason(cause)
  const isUnknown = /not found|not permitted/.test(reason)
  return new BoxletError(
    isUnknown ? 'MODEL_NOT_FOUND' : 'DOWNLOAD_FAILED',
    `Expected "${name}" at ${new URL(hostOf(env)).host} but received ${reason}.`,
    {
      cause,
      hint: isUnknown
        ? 'Check owner, repository and revision; for one that is private or gated set HF_TOKEN.'
        : 'Check the network and proxy settings, or pass the path of a model file that you have.',
    },
  )
}

async function readJson(address: string, maxBytes: number, options: DownloadOptions): Promise<unknown> {
  const signal = AbortSignal.any([AbortSignal.timeout(60_000), ...(options.signal ? [options.signal] : [])])
  const context = { env: options.env, signal, alive: () => {}, headersFor: headersFor(options.env) }
  const stream = readHttps({ type: 'https', url: address }, context)
  const bytes = await readBounded(
    stream,
    maxBytes,
    () => new SourceFault('a longer answer than was expected'),
  )
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw new SourceFault('an answer that is not JSON')
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
