import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { writeCoco } from '../../datasets/coco-write.ts'
import type { Annotation, Category, Dataset, DatasetImage } from '../../datasets/dataset.ts'
import { BoxletError, toBoxletError } from '../../errors.ts'
import type { NativeFound } from '../../formats/native.ts'
import type { BlobRef } from '../../jobs/blob-store.ts'
import type { OwnBlobs } from '../../jobs/home.ts'
import type { FoundView } from '../../jobs/view.ts'
import { counted } from '../../system/words.ts'
import type { ExitCode, Io } from '../kit/verb.ts'
import type { Connection } from './connect.ts'

/**
 * Pictures with the boxes that were found in them, as a data set in COCO form that labelling tools open: what the model
 * was in doubt about is what a person corrects there.
 */
export async function exportSet(
  { local }: Connection,
  pages: AsyncIterable<{ pictures: readonly FoundView[] }>,
  folder: string,
  io: Io,
): Promise<ExitCode> {
  if (local === undefined) {
    throw new BoxletError('USAGE', 'Expected a store of this machine for --set but received --endpoint.', {
      hint: 'The pictures lie where the store is; run it there.',
    })
  }
  const categories = new Map<string, Category>()
  const images: DatasetImage[] = []
  const annotations: Annotation[] = []
  const names = new Map<string, number>()
  let gone = 0
  const fetched = await mkdtemp(join(tmpdir(), 'boxlet-export-'))
  try {
    for await (const { pictures } of pages) {
      for (const picture of pictures) {
        const { job, n, result } = picture
        if (result === undefined || !('detections' in result)) {
          continue
        }
        const id = images.length + 1
        const path = await pathOf(local, { tenant: local.tenant, job, n }, join(fetched, String(id)))
        if (path === undefined) {
          gone++
          continue
        }
        const { width, height } = result
        const fileName = distinct(basename(picture.name), names)
        images.push({ id, fileName, path, width, height })
        annotations.push(...annotationsOf(result, id, annotations.length, categories))
      }
    }
    if (images.length === 0) {
      io.stderr.write('boxlet: there are no pictures to export.\n')
      return 3
    }
    const dataset: Dataset = {
      name: 'boxlet jobs',
      format: 'coco',
      categories: [...categories.values()],
      images,
      annotations,
      problems: [],
      notes: [],
    }
    await writeCoco([{ name: 'all', dataset }], folder)
  } finally {
    await rm(fetched, { recursive: true, force: true })
  }
  const missing = gone === 0 ? '' : `; ${counted(gone, 'picture')} no longer there`
  io.stderr.write(`boxlet: wrote ${counted(images.length, 'picture')} to ${folder}${missing}.\n`)
  return gone > 0 ? 1 : 0
}

/** The copy that was kept, or the file itself if it is still there; what lies elsewhere is fetched to `target`. */
async function pathOf(
  { home }: NonNullable<Connection['local']>,
  ref: { tenant: string; job: string; n: number },
  target: string,
): Promise<string | undefined> {
  const picture = await home.store.picture(ref)
  const { source, found } = picture ?? {}
  const blob = found?.kept ?? (source?.kind === 'blob' && source.owned ? source.ref : undefined)
  let path = source?.kind === 'file' ? source.path : undefined
  if (blob !== undefined) {
    path = home.blobs.pathOf?.(blob) ?? (await fetched(home.blobs, blob, target))
  }
  const info = path === undefined ? undefined : await stat(path).catch(() => undefined)
  return info?.isFile() ? path : undefined
}

async function fetched(blobs: OwnBlobs, ref: BlobRef, target: string): Promise<string | undefined> {
  try {
    await writeFile(target, await blobs.get(ref))
    return target
  } catch (error) {
    if (toBoxletError(error).code === 'IMAGE_NOT_FOUND') {
      return undefined
    }
    throw error
  }
}

function annotationsOf(
  { detections }: NativeFound,
  imageId: number,
  before: number,
  categories: Map<string, Category>,
): Annotation[] {
  return detections.map(({ label, score, box: [x1, y1, x2, y2] }, index) => {
    const category = categories.get(label) ?? { id: categories.size + 1, name: label }
    categories.set(label, category)
    return {
      id: before + index + 1,
      imageId,
      categoryId: category.id,
      box: { x: x1, y: y1, width: x2 - x1, height: y2 - y1 },
      area: (x2 - x1) * (y2 - y1),
      crowd: false,
      difficult: false,
      extra: { score },
    }
  })
}

function distinct(name: string, seen: Map<string, number>): string {
  const safe = name.replace(/[\0\\/]/g, '_') || 'picture'
  const count = (seen.get(safe.toLowerCase()) ?? 0) + 1
  seen.set(safe.toLowerCase(), count)
  return count === 1 ? safe : safe.replace(/(\.[^.]*)?$/, (ending) => `-${count}${ending}`)
}
