import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { BoxletError } from '../../errors.ts'
import { parseLabels } from './label-text.ts'
import type { Labels } from './label-values.ts'

/**
 * Labels of a file, in UTF-8 or with the mark of UTF-16 as Windows tools write it.
 *
 * @throws BoxletError LABELS_INVALID
 */
export async function readLabelFile(path: string): Promise<Labels> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw new BoxletError(
      'LABELS_INVALID',
      `Expected a readable label file but "${path}" ${isAbsent(cause) ? 'does not exist' : 'cannot be read'}.`,
      {
        cause,
      },
    )
  }
  return parseLabels(decodeText(bytes, path), basename(path))
}

const isAbsent = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ENOENT'

function decodeText(bytes: Uint8Array, path: string): string {
  const [first, second] = bytes
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new BoxletError('LABELS_INVALID', `Expected text in UTF-8 in "${path}" but received other bytes.`, {
      cause,
      hint: 'Save the file as UTF-8; names in another encoding would come out as other letters.',
    })
  }
}
