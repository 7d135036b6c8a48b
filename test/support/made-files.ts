import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'

const ROOT = resolve(import.meta.dirname, '../..')
const FOLDER = join(ROOT, '.cache/test-files')

/** Path of a file that tests make for themselves, in a folder named by its bytes. Several processes may ask at once. */
export function madeFile(name: string, make: () => Uint8Array): string {
  const bytes = make()
  const folder = join(FOLDER, createHash('sha256').update(bytes).digest('hex').slice(0, 8))
  const path = join(folder, name)
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true })
    const part = `${path}.${process.pid}-${Math.random()}`
    writeFileSync(part, bytes)
    renameSync(part, path)
  }
  return path
}

/** A bundled photo at another size, as a JPEG file. */
export async function photo(name: string, size: { width: number; height: number }): Promise<string> {
  const source = join(ROOT, `examples/pictures/${name}.png`)
  const bytes = await sharp(source)
    .resize({ ...size, fit: 'fill' })
    .jpeg({ quality: 90 })
    .toBuffer()
  return madeFile(`${name}.jpg`, () => bytes)
}
