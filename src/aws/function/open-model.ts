import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Detector } from '../../detector/detector.ts'
import { BoxletError } from '../../errors.ts'
import { familyNamed } from '../../families/registry.ts'
import { defaultThreads } from '../../runtime/processors.ts'
import { openSession } from '../../runtime/session.ts'
import { defined } from '../../system/defined.ts'
import type { Environment } from '../../system/environment.ts'
import { MANIFEST_FILE, MAX_MANIFEST_BYTES, MODEL_FOLDER, type ModelManifest } from './packaged-model.ts'
import type { S3Location } from './s3-model.ts'

/** Called at the end of each part of the start, with the milliseconds that it took. */
export type OnStage = (name: 'fetch' | 'session', ms: number) => void

/**
 * Opens the model of this function: beside the code, in a layer, or in S3 as `BOXLET_MODEL` says.
 *
 * @throws BoxletError MODEL_NOT_FOUND, DOWNLOAD_FAILED, DOWNLOAD_MISMATCH, MODEL_RUN_FAILED …
 */
export async function openModel(env: Environment, onStage: OnStage): Promise<Detector> {
  const where = env.BOXLET_MODEL
  if (where?.startsWith('s3://')) {
    return openFromS3(where, env, onStage)
  }
  const folder = packagedFolder(env)
  if (folder === undefined) {
    throw new BoxletError(
      'MODEL_NOT_FOUND',
      'Expected a model in the package, a layer or S3 but found none.',
      {
        hint: 'Package with --model, or set BOXLET_MODEL to an s3:// address.',
      },
    )
  }
  return openPackaged(folder.manifest, join(folder.path, folder.manifest.file), onStage)
}

function packagedFolder(env: Environment): { path: string; manifest: ModelManifest } | undefined {
  for (const root of [env.LAMBDA_TASK_ROOT ?? process.cwd(), env.BOXLET_OPT ?? '/opt']) {
    const path = join(root, MODEL_FOLDER)
    try {
      return { path, manifest: JSON.parse(readFileSync(join(path, MANIFEST_FILE), 'utf8')) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw damaged(error)
      }
    }
  }
  return undefined
}

async function openPackaged(manifest: ModelManifest, path: string, onStage: OnStage): Promise<Detector> {
  const started = performance.now()
  const session = await openSession(path, { threads: defaultThreads(), plansMemory: false })
  onStage('session', performance.now() - started)
  return Detector.of({
    info: manifest.info,
    contract: manifest.runs,
    family: familyNamed(manifest.runs.family),
    session,
  })
}

/** A packaged model by its manifest, or any model file with its class map beside it. */
async function openFromS3(uri: string, env: Environment, onStage: OnStage): Promise<Detector> {
  const started = performance.now()
  const [{ fetchModel, fetchText, parseS3Uri }, { S3BlobStore }] = await Promise.all([
    import('./s3-model.ts'),
    import('../clients/s3-blob-store.ts'),
  ])
  const at = parseS3Uri(uri)
  const { client } = new S3BlobStore()
  const fetched = () => onStage('fetch', performance.now() - started)
  const beside = (name: string): S3Location => ({ bucket: at.bucket, key: join(dirname(at.key), name) })
  if (at.key.endsWith(`/${MANIFEST_FILE}`)) {
    const text = await fetchText(client, at, MAX_MANIFEST_BYTES)
    if (text === undefined) {
      throw new BoxletError(
        'MODEL_NOT_FOUND',
        'Expected the manifest of the model in S3 but could not read it.',
        {
          hint: 'Deploy again, which uploads it, and check that the role may read the bucket.',
        },
      )
    }
    const manifest = parseManifest(text)
    const path = await fetchModel(client, beside(manifest.file), manifest.sha256, tmpdir())
    fetched()
    return openPackaged(manifest, path, onStage)
  }
  const labelsFile = env.BOXLET_LABELS ?? 'class_map.json'
  const [path, labels] = await Promise.all([
    fetchModel(client, at, env.BOXLET_MODEL_SHA256, tmpdir()),
    fetchText(client, beside(labelsFile), MAX_MANIFEST_BYTES),
  ])
  fetched()
  const session = performance.now()
  const { parseLabels } = await import('../../model/labels/label-text.ts')
  const detector = await Detector.load(
    path,
    defined({ labels: labels === undefined ? undefined : parseLabels(labels, labelsFile) }),
  )
  onStage('session', performance.now() - session)
  return detector
}

function parseManifest(text: string): ModelManifest {
  try {
    return JSON.parse(text) as ModelManifest
  } catch (error) {
    throw damaged(error)
  }
}

const damaged = (cause: unknown): BoxletError =>
  new BoxletError('CONTRACT_INVALID', 'Expected a manifest beside the model but it cannot be read.', {
    cause,
    hint: 'Package the model again.',
  })
