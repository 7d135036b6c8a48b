import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { BoxletError } from '../../errors.ts'

async function refuseExisting(out: string): Promise<void> {
  const exists = await stat(out).then(
    () => true,
    () => false,
  )
  if (!exists) {
    return
  }
  throw new BoxletError('OUTPUT_UNWRITABLE', `Expected a new file for --out but "${out}" exists.`, {
    hint: 'Add --force to write over it, or give another name.',
  })
}

/** `fridge.onnx` becomes `fridge.SUFFIX.onnx` beside it; a name in the catalogue, in the current folder. */
export function madeFrom(model: string, isFile: boolean, suffix: string): string {
  const name = `${basename(model, extname(model))}.${suffix}.onnx`
  return isFile ? join(dirname(model), name) : name
}

/**
 * Refuses to write over the model that is worked on, under whatever name, and over another file without `force`.
 *
 * @throws BoxletError USAGE, OUTPUT_UNWRITABLE
 */
export async function checkOut(out: string, source: string, force: boolean): Promise<void> {
  const real = (path: string) => realpath(path).catch(() => resolve(path))
  if ((await real(out)) === (await real(source))) {
    throw new BoxletError(
      'USAGE',
      `Expected another name for --out than that of the given file but received "${out}".`,
    )
  }
  if (!force) {
    await refuseExisting(out)
  }
}
