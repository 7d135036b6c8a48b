import { rm, stat } from 'node:fs/promises'
import { isAbsolute, join, relative } from 'node:path'
import type { DetectOptions, DetectResult } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { saveFile } from '../../system/save-file.ts'
import { isPicture, type PictureSource } from './sources.ts'

/** Ending of annotated pictures. */
const MARKED = '.jpg'
/** Folder of crops, in a folder for each label. */
const CROPS = 'crops'
/** Well below what file systems take for one name, in any alphabet. */
const MAX_NAME = 60

/**
 * Asks before the first picture whether the results can go to the folder: no file there may be one of the
 * pictures, under whatever name, and the folder has to take files.
 *
 * @param copies what is written of each picture
 * @param ending of label files that go there too
 * @throws BoxletError USAGE, OUTPUT_UNWRITABLE
 */
export async function checkOutput(
  folder: string,
  sources: readonly PictureSource[],
  copies: Copies,
  ending?: string,
): Promise<void> {
  const { draw, blur, crop } = copies
  const isFolder = (await stat(folder).catch(() => undefined))?.isDirectory() ?? false
  if (!isFolder && isPicture(folder)) {
    throw new BoxletError('USAGE', `Expected a folder for --out but received "${folder}".`, {
      hint: 'Name a folder; each picture keeps its name in it.',
    })
  }
  const endings = [...(draw || blur.size > 0 ? [MARKED] : []), ...(ending === undefined ? [] : [ending])]
  if (endings.length === 0 && !crop) {
    throw new BoxletError('USAGE', 'Expected something to write to --out but --no-draw leaves nothing.', {
      hint: 'Add --format yolo or voc, --crop or --blur.',
    })
  }
  const inputs = new Map<string, string>()
  for (const { path } of sources) {
    const id = path === undefined ? undefined : await fileId(path)
    if (id !== undefined) {
      inputs.set(id, path!)
    }
    const below = path === undefined ? '..' : relative(join(folder, CROPS), path)
    if (crop && !below.startsWith('..') && !isAbsolute(below)) {
      throw wouldOverwrite(folder, path!)
    }
  }
  for (const { outputStem } of sources) {
    for (const end of endings) {
      const input = inputs.get((await fileId(join(folder, outputStem + end))) ?? '')
      if (input === undefined) {
        continue
      }
      throw wouldOverwrite(folder, input)
    }
  }
  const probe = join(folder, `.boxlet-${process.pid}`)
  await saveFile(probe, '.')
  await rm(probe, { force: true })
}

const wouldOverwrite = (folder: string, input: string): BoxletError =>
  new BoxletError(
    'USAGE',
    `Expected a folder for --out that holds none of the pictures but received "${folder}", where "${input}" would be overwritten.`,
    { hint: 'Name another folder.' },
  )

/** The same for every name of one file, through links and on disks that ignore case. */
async function fileId(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined)
  return info && `${info.dev}:${info.ino}`
}

/** What is written of a picture beside its results. */
export interface Copies {
  /** Boxes, masks and labels in the copy. */
  draw: boolean
  /** Lower-case labels and class ids that are hidden in the copy, and in crops. */
  blur: ReadonlySet<string>
  /** Each object as a picture of its own. */
  crop: boolean
}

/**
 * @param stem name of the copy without its ending, below the folder
 * @param image what of the picture was accepted for detection, so that drawing accepts the same
 * @returns how many crops were written
 */
export async function saveCopies(
  bytes: Uint8Array,
  { detections }: DetectResult,
  folder: string,
  stem: string,
  { draw, blur, crop }: Copies,
  image: DetectOptions['image'] = {},
): Promise<number> {
  const { drawDetections } = await import('../../image/draw/draw.ts')
  const copy = join(folder, stem + MARKED)
  if (!crop && blur.size === 0) {
    if (draw) {
      await saveFile(copy, await drawDetections(bytes, detections, { format: 'jpeg', decode: image }))
    }
    return 0
  }
  const { cropRegion, encodeJpeg, hideRegions } = await import('../../image/draw/regions.ts')
  const { decodeImage } = await import('../../image/decode/decode.ts')
  const { pixels } = await decodeImage(bytes, { ...image, colourProfile: 'apply' })
  const hidden = detections.filter(
    ({ label, classId }) => blur.has(label.toLowerCase()) || blur.has(String(classId)),
  )
  const shown =
    hidden.length === 0
      ? pixels
      : await hideRegions(
          pixels,
          hidden.map(({ box }) => box),
        )
  if (draw) {
    await saveFile(copy, await drawDetections(shown, detections, { format: 'jpeg' }))
  } else if (blur.size > 0) {
    await saveFile(copy, await encodeJpeg(shown))
  }
  let crops = 0
  for (const { label, box } of crop ? detections : []) {
    const part = await cropRegion(shown, box)
    if (part !== undefined) {
      crops++
      await saveFile(join(folder, CROPS, fileName(label), `${stem}-${crops}${MARKED}`), part)
    }
  }
  return crops
}

/** A label as the name of a folder on every system. */
function fileName(label: string): string {
  const name = label
    .replace(/[^\p{L}\p{N}._ -]+/gu, '_')
    .replace(/^[. ]+|[. ]+$/g, '')
    .slice(0, MAX_NAME)
  return name === '' ? '_' : name
}
