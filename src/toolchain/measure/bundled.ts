import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dataset } from '../../datasets/dataset.ts'
import { loadSharp } from '../../image/decode/load-sharp.ts'
import { bundledPictures } from './pictures.ts'

/** The pictures that come with Boxlet as a set without labels, in a folder that goes when it is disposed of. */
export async function bundledDataset(): Promise<{ dataset: Dataset } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'boxlet-pictures-'))
  const sharp = await loadSharp()
  const images: Dataset['images'] = []
  for (const { width, height, data } of await bundledPictures()) {
    const id = images.length + 1
    const path = join(folder, `${id}.png`)
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 1 })
      .toFile(path)
    images.push({ id, fileName: `${id}.png`, path, width, height })
  }
  return {
    dataset: {
      name: 'a photo of Boxlet',
      format: 'coco',
      categories: [],
      images,
      annotations: [],
      problems: [],
      notes: [],
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
