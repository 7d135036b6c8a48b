import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DetectOptions, DetectResult } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { saveFile } from '../../system/save-file.ts'
import type { PictureSource } from './sources.ts'

/** Ending of annotated pictures. */
const MARKED = '.jpg'

/**
 * Asks before the first picture whether the results can go to the folder: no file there may be one of the
 * pictures, under whatever name, and the folder has to take files.
 *
 * @param ending of label files that go there too
 * @throws BoxletError USAGE, OUTPUT_UNWRITABLE
 */
export async function checkOutput(
  folder: string,
  sources: readonly PictureSource[],
  ending?: string,
): Promise<void> {
  const inputs = new Map<string, string>()
  for (const { path } of sources) {
    const id = path === undefined ? undefined : await fileId(path)
    if (id !== undefined) {
      inputs.set(id, path!)
    }
  }
  for (const { outputStem } of sources) {
    for (const end of ending === undefined ? [MARKED] : [MARKED, ending]) {
      const input = inputs.get((await fileId(join(folder, outputStem + end))) ?? '')
      if (input === undefined) {
        continue
      }
      throw new BoxletError(
        'USAGE',
        `Expected a folder for --out that holds none of the pictures but received "${folder}", where "${input}" would be overwritten.`,
        { hint: 'Name another folder.' },
      )
    }
  }
  const probe = join(folder, `.boxlet-${process.pid}`)
  await saveFile(probe, '.')
  await rm(probe, { force: true })
}

/** The same for every name of one file, through links and on disks that ignore case. */
async function fileId(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined)
  return info && `${info.dev}:${info.ino}`
}

/** @param image what of the picture was accepted for detection, so that drawing accepts the same */
export async function saveMarked(
  bytes: Uint8Array,
  { detections }: DetectResult,
  stem: string,
  image: DetectOptions['image'] = {},
): Promise<void> {
  const { drawDetections } = await import('../../image/draw/draw.ts')
  await saveFile(stem + MARKED, await drawDetections(bytes, detections, { format: 'jpeg', decode: image }))
}
