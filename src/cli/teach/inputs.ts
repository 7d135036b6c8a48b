import { readFile, rm, stat } from 'node:fs/promises'
import { BoxletError } from '../../errors.ts'
import { resolveModel } from '../../store/store.ts'
import { defined } from '../../system/defined.ts'
import { oneLine } from '../../system/printable.ts'
import { saveFile } from '../../system/save-file.ts'
import { type Checked, checkDivision } from '../../training/data/check.ts'
import { addToTrain, divide, limitTrain } from '../../training/data/divide.ts'
import type { BaseFile } from '../../training/model/base.ts'
import { storeProgress } from '../kit/download-progress.ts'
import type { Io } from '../kit/verb.ts'
import { DEFAULT_BASE, type TeachValues } from './options.ts'

/** Finds the model to start from, and fetches it where needed. */
export async function readBase(values: TeachValues, io: Io): Promise<BaseFile> {
  if (values.base !== undefined && values.from !== undefined) {
    throw new BoxletError('USAGE', 'Expected --base or --from but received both.')
  }
  const progress = storeProgress(io)
  const resolved = await resolveModel(values.from ?? values.base ?? DEFAULT_BASE, progress).finally(() =>
    progress.end(),
  )
  if (resolved.licence !== undefined && resolved.licence.class !== 'permissive') {
    io.stderr.write(
      `boxlet: what is taught from "${resolved.name}" stays under ${resolved.licence.name}, the licence of its weights\n`,
    )
  }
  return {
    name: resolved.name,
    sha256: resolved.sha256,
    bytes: await readFile(resolved.path),
    ...defined({ licence: resolved.licence }),
  }
}

/** Reads, divides and checks the set. */
export async function readSet(path: string, values: TeachValues, io: Io): Promise<Checked> {
  const { seed, limit, also = [] } = values
  const division = await divide(path, seed, { ...defined({ images: values.images }), signal: io.signal })
  const limited = limit === undefined ? division : limitTrain(division, limit, seed)
  const whole = also.length === 0 ? limited : await addToTrain(limited, also, { signal: io.signal })
  const leastObjects = values['least-objects']
  try {
    return await checkDivision(whole, { problems: values.problems, leastObjects, signal: io.signal })
  } catch (error) {
    const { lines } = (error instanceof BoxletError ? error.details : undefined) ?? {}
    for (const line of Array.isArray(lines) ? lines : []) {
      io.stderr.write(`${oneLine(String(line))}\n`)
    }
    throw error
  }
}

/**
 * Finds out before anything is spent whether the result can be written.
 *
 * @throws BoxletError OUTPUT_UNWRITABLE
 */
export async function checkOut(out: string, mayExist: boolean): Promise<void> {
  const found = await stat(out).catch(() => undefined)
  if (found !== undefined && !(mayExist && found.isFile())) {
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected a new file for --out but "${out}" ${found.isFile() ? 'exists' : 'is no file'}.`,
      { hint: found.isFile() ? 'Name another one, or pass --force to overwrite it.' : 'Name another one.' },
    )
  }
  const probe = `${out}.probe`
  await saveFile(probe, '')
  await rm(probe)
}
