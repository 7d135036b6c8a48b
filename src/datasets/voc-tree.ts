import { basename, extname, join, resolve } from 'node:path'
import { BoxletError } from '../errors.ts'
import { FileFinder, pathEnds } from './find-file.ts'
import { checkBytes, MAX_LIST_BYTES, MAX_PICTURES } from './limits.ts'
import { isFolder, listFiles } from './picture-files.ts'
import { readdir, readFile } from './readable.ts'

/** Names that tools give to the folders of a VOC tree, in any case. */
const ANNOTATION_FOLDERS = ['Annotations', 'Annotation', 'xmls', 'xml', 'labels']
const PICTURE_FOLDERS = ['JPEGImages', 'PNGImages', 'images', 'imgs', 'pictures']
const PART_FOLDERS: Readonly<Record<string, string>> = {
  train: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  test: 'test',
}

/**
 * Where the parts of a Pascal VOC tree lie: `Annotations/*.xml`, `JPEGImages` and lists in `ImageSets/Main`; the same
 * under other usual names; XML beside the pictures; or a folder a part, as labelling services export.
 */
export class VocTree {
  readonly root: string
  readonly annotations: string
  readonly #pictures: readonly string[]
  readonly #finder: FileFinder
  readonly #lists: string | undefined

  private constructor(
    root: string,
    annotations: string,
    pictures: readonly string[],
    finder: FileFinder,
    lists: string | undefined,
  ) {
    this.root = root
    this.annotations = annotations
    this.#pictures = pictures
    this.#finder = finder
    this.#lists = lists
  }

  static async open(folder: string, images?: string): Promise<VocTree> {
    const root = resolve(folder)
    const finder = new FileFinder()
    const folders = async (names: readonly string[]) => {
      const found = await Promise.all(names.map((name) => finder.find(root, name)))
      const there = await Promise.all(found.map(async (path) => path !== undefined && (await isFolder(path))))
      return found.filter((_, i) => there[i]) as string[]
    }
    const annotations = await firstWithXml(await folders(ANNOTATION_FOLDERS))
    const pictures =
      images === undefined
        ? [...new Set([...(await folders(PICTURE_FOLDERS)), annotations ?? root, root])]
        : [resolve(images)]
    const [lists] = await folders(['ImageSets/Main'])
    return new VocTree(root, annotations ?? root, pictures, finder, lists)
  }

  /** Names of the parts: lists of pictures, or folders. */
  async parts(): Promise<string[]> {
    const lists = this.#lists === undefined ? [] : await readdir(this.#lists).catch(() => [])
    const names = lists.filter((name) => name.endsWith('.txt')).map((name) => name.slice(0, -4))
    const folders = await readdir(this.annotations, { withFileTypes: true }).catch(() => [])
    for (const entry of folders) {
      const part = PART_FOLDERS[entry.name.toLowerCase()]
      if (entry.isDirectory() && part !== undefined && !names.includes(part)) {
        const files = await listFiles(join(this.annotations, entry.name), isXml)
        names.push(...(files.length > 0 ? [part] : []))
      }
    }
    return [...new Set(names)].sort()
  }

  /** Annotations of a part, or of the whole tree: paths below the annotation folder, without their ending. */
  async stems(part: string | undefined): Promise<string[]> {
    if (part !== undefined && this.#lists !== undefined) {
      const list = await this.#finder.find(this.#lists, `${part}.txt`)
      if (list !== undefined) {
        return this.#readList(list)
      }
    }
    const all = (await listFiles(this.annotations, isXml))
      .map((path) => path.slice(this.annotations.length + 1, -'.xml'.length).replaceAll('\\', '/'))
      .sort()
      .slice(0, MAX_PICTURES)
    return part === undefined
      ? all
      : all.filter((stem) => PART_FOLDERS[stem.split('/')[0]!.toLowerCase()] === part)
  }

  /** The file of an annotation, in whatever case and form its name is written. */
  async xml(stem: string): Promise<string | undefined> {
    return this.#finder.find(this.annotations, `${stem}.xml`)
  }

  /** The picture of the same stem; else the one that the annotation names. */
  async picture(stem: string, fileName: string | undefined): Promise<string | undefined> {
    for (const candidate of new Set([stem, basename(stem)])) {
      for (const folder of this.#pictures) {
        const found = await this.#finder.findPicture(folder, candidate)
        if (found !== undefined) {
          return found
        }
      }
    }
    for (const end of fileName === undefined ? [] : pathEnds(fileName)) {
      for (const folder of this.#pictures) {
        const found = await this.#finder.find(folder, end)
        if (found !== undefined) {
          return found
        }
      }
    }
    return undefined
  }

  /** Names may hold blanks; lists of one class carry −1, 0 or 1 after the name, which alone says what belongs. */
  async #readList(path: string): Promise<string[]> {
    await checkBytes(path, MAX_LIST_BYTES, 'a split list')
    const lines = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '').split(/\r?\n/)
    const stems: string[] = []
    for (const line of lines) {
      const written = line.trim()
      if (written === '') {
        continue
      }
      const candidates = stemsOf(written)
      const there = await Promise.all(candidates.map((stem) => this.xml(stem)))
      stems.push(candidates.find((_, i) => there[i] !== undefined) ?? candidates.at(-1)!)
    }
    return [...new Set(stems)].slice(0, MAX_PICTURES)
  }
}

const isXml = (name: string): boolean => name.toLowerCase().endsWith('.xml')

async function firstWithXml(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    if ((await listFiles(folder, isXml)).length > 0) {
      return folder
    }
  }
  return undefined
}

/** What a line of a list may mean, the likeliest first: `a`, `a.jpg`, `a 1`, `some/where/a.jpg`, `a.jpg a.xml`. */
function stemsOf(line: string): string[] {
  const named = /\s(\S[^\t]*?)\.xml$/i.exec(line)?.[1]
  const plain = [line, line.replace(/\s+(-1|0|1)$/, '')].map((name) =>
    name.replace(/\.(xml|jpe?g|png|bmp|tiff?|webp)$/i, ''),
  )
  return [
    ...new Set([...plain, ...(named === undefined ? [] : [named])].flatMap((name) => pathEnds(name))),
  ].filter((name) => extname(name) !== '.xml')
}

/** Checks a part that was asked for, or chooses one: `test`, else `val`, else everything. */
export async function chooseVocPart(tree: VocTree, asked: string | undefined): Promise<string | undefined> {
  if (asked === 'all') {
    return undefined
  }
  const parts = await tree.parts()
  if (asked === undefined) {
    return ['test', 'val'].find((name) => parts.includes(name))
  }
  if (!parts.includes(asked)) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected a split list ImageSets/Main/${asked}.txt or a folder of that name but there is none.`,
      { hint: parts.length === 0 ? 'The set has no parts.' : `There are: ${parts.join(', ')}, all.` },
    )
  }
  return asked
}
