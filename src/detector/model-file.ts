import { readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { BoxletError } from '../errors.ts'
import { isTflite } from '../prepare/read-signature.ts'
import { MAX_MODEL_BYTES } from '../store/file-limit.ts'

/** A model as it is read: the bytes that are known, prepared and run. */
export interface ModelFile {
  bytes: Uint8Array
  /** Whether weights of files beside it were taken in, so that the path alone is not the model. */
  isJoined: boolean
}

/** More than one file of weights is rare, and PyTorch writes one. */
const MAX_WEIGHT_FILES = 64

/**
 * Reads a model, and the weights that lie beside it where it says so, as PyTorch writes them since 2.9
 * (`model.onnx.data`). A reference is the name of a file in the folder of the model; a path, or a link that leads
 * elsewhere, is refused, as a model of a stranger must not name what is read.
 *
 * @throws BoxletError MODEL_NOT_FOUND, MODEL_LIMIT, MODEL_CORRUPT, MODEL_UNSUPPORTED
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const bytes = await readWhole(path, MAX_MODEL_BYTES)
  if (isTflite(bytes)) {
    return { bytes, isJoined: false }
  }
  const { joinWeights, weightFiles } = await import('../onnx/write/join-weights.ts')
  const names = namesOf(bytes, weightFiles)
  if (names.length === 0) {
    return { bytes, isJoined: false }
  }
  let left = MAX_MODEL_BYTES - bytes.length
  const files = new Map<string, Uint8Array>()
  for (const name of names) {
    const file = await readBeside(path, name, left)
    left -= file.length
    files.set(name, file)
  }
  return { bytes: joinWeights(bytes, files), isJoined: true }
}

/** What is no ONNX file is reported as what it is by those who read its structure. */
function namesOf(bytes: Uint8Array, weightFiles: (bytes: Uint8Array) => string[]): string[] {
  try {
    return weightFiles(bytes).slice(0, MAX_WEIGHT_FILES)
  } catch {
    return []
  }
}

async function readBeside(modelPath: string, name: string, maxBytes: number): Promise<Uint8Array> {
  const isName = /^[^/\\:\0]{1,255}$/.test(name) && name !== '.' && name !== '..'
  const folder = dirname(modelPath)
  const path = join(folder, name)
  if (!isName || !(await liesIn(folder, path))) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected the weights inside the model file or beside it but received a reference to "${name.slice(0, 80)}", which leads elsewhere.`,
      {
        hint: 'Put the file of weights into the folder of the model, under the name that it was exported with.',
      },
    )
  }
  return readWhole(path, maxBytes, `the weights of the model in "${name}"`)
}

/** A file that is not there is reported when it is read. */
async function liesIn(folder: string, path: string): Promise<boolean> {
  try {
    const [home, real] = await Promise.all([realpath(folder), realpath(path)])
    return real.startsWith(home.endsWith(sep) ? home : home + sep)
  } catch {
    return true
  }
}

async function readWhole(path: string, maxBytes: number, what?: string): Promise<Uint8Array> {
  const tooLarge = (cause?: unknown) =>
    new BoxletError(
      'MODEL_LIMIT',
      `Expected a model of at most ${MAX_MODEL_BYTES} bytes but received a larger file.`,
      { cause },
    )
  let bytes: Buffer
  try {
    if (what !== undefined) {
      const { size } = await stat(path)
      if (size > maxBytes) {
        throw tooLarge()
      }
    }
    bytes = await readFile(path)
  } catch (cause) {
    if (cause instanceof BoxletError) {
      throw cause
    }
    if ((cause as NodeJS.ErrnoException).code === 'ERR_FS_FILE_TOO_LARGE') {
      throw tooLarge(cause)
    }
    throw new BoxletError(
      'MODEL_NOT_FOUND',
      what === undefined
        ? `Expected a readable model file but "${basename(path)}" cannot be read.`
        : `Expected ${what} beside it but that file cannot be read.`,
      {
        cause,
        ...(what === undefined
          ? {}
          : { hint: 'Copy both files of the export, the .onnx and the .data, into one folder.' }),
      },
    )
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
