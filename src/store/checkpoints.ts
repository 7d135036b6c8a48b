/**
 * Checkpoints of PyTorch are turned into ONNX once and kept beside the fetched models, by the hash of the file and
 * of the code that converts: every verb then finds an ONNX file.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { open, readdir, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { codeFingerprint } from '../system/code-fingerprint.ts'
import type { Environment } from '../system/environment.ts'
import { saveFile } from '../system/save-file.ts'
import { cacheFolder, isUntouched, writeRecord } from './cache.ts'

interface CheckpointOptions {
  env: Environment
  onNotice?: ((line: string) => void) | undefined
}

/** Bytes that tell whether a file is a checkpoint, or of another trainer. */
const HEAD_BYTES = 512
/** Converted files that are kept; a training day leaves a new one every hour. */
const KEPT_FILES = 10
/** Code whose change makes other graphs of the same checkpoint. */
const CONVERTING = ['checkpoint/', 'onnx/write/']

/**
 * The ONNX form of the file when it is a checkpoint; undefined for all other files.
 *
 * @throws BoxletError for a checkpoint, or a file of another trainer, that cannot be converted
 */
export async function convertedCheckpoint(
  path: string,
  sha256: string,
  options: CheckpointOptions,
): Promise<string | undefined> {
  const { foreignFile, isCheckpoint } = await import('../checkpoint/kind.ts')
  const head = await readHead(path)
  if (!isCheckpoint(head)) {
    const foreign = foreignFile(head)
    if (foreign !== undefined) {
      throw foreign
    }
    return undefined
  }
  const code = await codeFingerprint((file) => CONVERTING.some((room) => file.startsWith(room)))
  const folder = join(cacheFolder(options.env), 'converted')
  const name = `${sha256}-${code}.onnx`
  const kept = join(folder, name)
  if (await isUntouched(kept, sha256)) {
    const now = new Date()
    await utimes(kept, now, (await stat(kept)).mtime).catch(() => undefined)
    return kept
  }
  return convert(path, kept, sha256, options)
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function convert(
  path: string,
  kept: string,
  sha256: string,
  { onNotice }: CheckpointOptions,
): Promise<string> {
  const { convertCheckpoint } = await import('../checkpoint/checkpoint.ts')
  const { conversionNotices } = await import('../checkpoint/say.ts')
  const { openSource } = await import('../checkpoint/source.ts')
  const { source, close } = openSource(path)
  try {
    const converted = convertCheckpoint(source)
    let target = kept
    try {
      await saveFile(target, converted.onnx.parts())
      await writeRecord(target, sha256)
      await removeOldest(join(target, '..'))
    } catch (error) {
      // A cache in a read-only image must not keep a model from running.
      if (!(error instanceof Error && 'code' in error && error.code === 'OUTPUT_UNWRITABLE')) {
        throw error
      }
      target = join(temporaryFolder(), basename(kept))
      await saveFile(target, converted.onnx.parts())
    }
    for (const line of conversionNotices(converted, basename(path))) {
      onNotice?.(line)
    }
    return target
  } finally {
    close()
  }
}

/** A folder of this process that goes with it. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function removeOldest(folder: string): Promise<void> {
  const files = (await readdir(folder)).filter((file) => /^[0-9a-f]{64}-[0-9a-f]{16}\.onnx$/.test(file))
  const used = await Promise.all(
    files.map(async (file) => ({
      file,
      at: (await stat(join(folder, file)).catch(() => undefined))?.atimeMs ?? 0,
    })),
  )
  for (const { file } of used.sort((a, b) => b.at - a.at).slice(KEPT_FILES)) {
    await rm(join(folder, file), { force: true })
    await rm(join(folder, `${file}.verified.json`), { force: true })
  }
}
