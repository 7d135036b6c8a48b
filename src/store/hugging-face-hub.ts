/** What the host of Hugging Face says of a repository and its files. */
import { BoxletError } from '../errors.ts'
import type { Licence } from '../model/contract.ts'
import { licenceOf } from '../model/licence.ts'
import { readBounded } from '../system/bytes.ts'
import { defined } from '../system/defined.ts'
import type { Environment } from '../system/environment.ts'
import { isRecord } from '../system/record.ts'
import { MAX_MODEL_BYTES } from './file-limit.ts'
import { HUGGING_FACE } from './sources/address.ts'
import { readHttps } from './sources/https.ts'
import { faultReason, SourceFault } from './sources/source.ts'

export interface LookOptions {
  env: Environment
  signal?: AbortSignal | undefined
}

export interface Reference {
  owner: string
  repo: string
  /** Below the repository, with forward slashes. */
  file: string
  revision: string
}

/** Answers about a repository list all of its files: the largest have some ten thousand. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20
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

/** Another host with the same paths, as mirrors have; `HF_ENDPOINT` is what Hugging Face's own tools read. */
const hostOf = (env: Environment): string => (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '')

/** The token is for the host itself and never for the storage to which it redirects. */
export const headersFor =
  (env: Environment) =>
  (address: string): Record<string, string> => {
    const isHost = new URL(address).origin === new URL(hostOf(env)).origin
    return env.HF_TOKEN && isHost ? { authorization: `Bearer ${env.HF_TOKEN}` } : {}
  }

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

export const addressOf = (
  { owner, repo }: Reference,
  revision: string,
  file: string,
  env: Environment,
): string => `${hostOf(env)}/${owner}/${repo}/resolve/${encodeURIComponent(revision)}/${encoded(file)}`

/** A file as the host tells of it; hash and size are undefined for a small one that is kept in the repository itself. */
interface Told {
  sha256?: string
  bytes?: number
}

export interface Found extends Told {
  commit: string
  licence?: Licence
  weights: (Told & { file: string })[]
}

/**
 * What follows the name of a model in that of its weights: `.data` as PyTorch writes them, `_data` and `_data_1` as
 * Hugging Face's own exporters do.
 */
const WEIGHTS_ENDING = /^[._]data(_\d{1,3})?$/
/** More than one file of weights is rare. */
const MAX_WEIGHT_FILES = 64

/** source  https://huggingface.co/docs/hub/api, "GET /api/models/{repo_id}/revision/{revision}" with `blobs=true` */
export async function look(reference: Reference, name: string, options: LookOptions): Promise<Found> {
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
  const weights = siblings
    .filter(
      ({ rfilename }) =>
        typeof rfilename === 'string' &&
        rfilename.startsWith(file) &&
        WEIGHTS_ENDING.test(rfilename.slice(file.length)),
    )
    .slice(0, MAX_WEIGHT_FILES)
    .map((sibling) => ({ file: sibling.rfilename as string, ...told(sibling) }))
  const own = told(entry)
  const total = [own, ...weights].reduce((sum, { bytes = 0 }) => sum + bytes, 0)
  if (total > MAX_MODEL_BYTES) {
    throw new BoxletError(
      'MODEL_LIMIT',
      `Expected a model of at most ${MAX_MODEL_BYTES} bytes but received ${total}.`,
    )
  }
  const card = isRecord(answer.cardData) ? answer.cardData : {}
  const licence = typeof card.license === 'string' ? licenceOf({ license: card.license }) : undefined
  return { commit: answer.sha, weights, ...own, ...defined({ licence }) }
}

function told(entry: Record<string, unknown>): Told {
  const lfs = isRecord(entry.lfs) ? entry.lfs : {}
  const sha256 = typeof lfs.sha256 === 'string' && /^[0-9a-f]{64}$/.test(lfs.sha256) ? lfs.sha256 : undefined
  const bytes = Number.isSafeInteger(lfs.size) ? (lfs.size as number) : undefined
  return defined({ sha256, bytes })
}

/** A name that belongs to nobody and one that is not for the caller look alike: the host tells no strangers. */
function explain(cause: unknown, name: string, { env, signal }: LookOptions): BoxletError {
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

export async function readJson(address: string, maxBytes: number, options: LookOptions): Promise<unknown> {
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
