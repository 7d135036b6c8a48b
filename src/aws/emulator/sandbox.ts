import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, normalize, sep } from 'node:path'
import { unzipSync } from 'fflate'
import { BoxletError } from '../../errors.ts'
import { MAX_UNPACKED_BYTES } from '../package/size-report.ts'

/** nobody: a process of root ignores file modes, so a run by root gives up its rights as Lambda does. */
const SANDBOX_USER = 65_534

/** Files of a function unpacked once and read-only, shared by all environments of one host. */
export interface Sandbox {
  task: string
  opt: string
  /** Folder that every environment puts its own writable folder into. */
  root: string
  /** Set where the process of an environment runs as another user. */
  user: number | undefined
  remove(): Promise<void>
}

export async function createSandbox(code: { zip: string; layers?: readonly string[] }): Promise<Sandbox> {
  const root = await mkdtemp(join(tmpdir(), 'boxlet-lambda-'))
  const remove = async (): Promise<void> => {
    if (existsSync(root)) {
      setModes(root, 0o755)
    }
    await rm(root, { recursive: true, force: true })
  }
  try {
    await chmod(root, 0o755)
    const task = join(root, 'task')
    const opt = join(root, 'opt')
    let bytes = await unpack(code.zip, task)
    mkdirSync(opt)
    for (const layer of code.layers ?? []) {
      bytes += await unpack(layer, opt)
    }
    if (bytes > MAX_UNPACKED_BYTES) {
      throw new BoxletError(
        'PACKAGE_TOO_LARGE',
        `Expected at most ${MAX_UNPACKED_BYTES} bytes unpacked but received ${bytes}.`,
        { hint: 'Keep the model in S3 instead of the package.' },
      )
    }
    setModes(task, 0o555)
    setModes(opt, 0o555)
    return { task, opt, root, user: process.getuid?.() === 0 ? SANDBOX_USER : undefined, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A fresh writable folder, as each environment has its own /tmp. */
export async function createTmp(sandbox: Sandbox): Promise<string> {
  const tmp = await mkdtemp(join(sandbox.root, 'tmp-'))
  if (sandbox.user !== undefined) {
    chownSync(tmp, sandbox.user, sandbox.user)
  }
  return tmp
}

/** Returns the bytes unpacked. */
async function unpack(path: string, folder: string): Promise<number> {
  let bytes = 0
  const files = unzipSync(await readZip(path), {
    filter: (file) => {
      bytes += file.originalSize
      // Refused before it is inflated: a small file can claim to unpack to more than the memory.
      if (bytes > MAX_UNPACKED_BYTES) {
        throw new BoxletError(
          'PACKAGE_TOO_LARGE',
          `Expected at most ${MAX_UNPACKED_BYTES} bytes unpacked but the zip declares more.`,
        )
      }
      return !file.name.endsWith('/')
    },
  })
  mkdirSync(folder, { recursive: true })
  for (const [name, data] of Object.entries(files)) {
    const target = normalize(join(folder, name))
    if (!target.startsWith(folder + sep)) {
      throw new BoxletError('USAGE', `Expected names inside the zip but received "${name}".`)
    }
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 })
    writeFileSync(target, data, { mode: 0o444 })
  }
  return bytes
}

async function readZip(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new BoxletError('USAGE', `Expected a package at ${path} but could not read it.`, {
      hint: 'Build one with "boxlet package".',
      cause,
    })
  }
}

/** Of a folder and all below it: root aside, whoever may write to a folder may replace what lies in it. */
function setModes(folder: string, mode: number): void {
  chmodSync(folder, mode)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      setModes(join(folder, entry.name), mode)
    }
  }
}

/** Bytes of all files below a folder; 0 when it has gone. */
export function folderBytes(folder: string): number {
  let bytes = 0
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      if (entry.isFile()) {
        bytes += statSync(join(entry.parentPath, entry.name)).size
      }
    }
  } catch {
    return bytes
  }
  return bytes
}
