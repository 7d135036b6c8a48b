import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { corpusBytes, corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import { makeWorkspace, sha256 } from '../../test/support/store.ts'
import { recognise } from '../families/recognise.ts'
import { allFamilies } from '../families/registry.ts'
import { mergeContract } from '../model/contract-merge.ts'
import { readSignature } from '../prepare/read-signature.ts'
import { nearestNames } from '../system/words.ts'
import { catalogueNames, readCatalogue, readEntry } from './catalogue.ts'

const folder = resolve(import.meta.dirname, '../../catalogue')
const entries = await readCatalogue({})

/** Hosts of these files name no revision; the hash alone pins them. */
const FOLLOWING_A_BRANCH = ['deim-dfine-m', 'deim-dfine-s', 'dfine-nano', 'rfdetr-nano', 'rfdetr-small']

describe('the catalogue', () => {
  test('has the models that the documentation promises', () => {
    const names = entries.map(({ name }) => name)
    for (const name of ['yolov8n', 'yolov8s', 'yolov8m', 'deimv2-atto', 'yolox-nano', 'yunet-n']) {
      expect(names).toContain(name)
    }
  })

  test('has a valid entry and a page for every folder', () => {
    const folders = readdirSync(folder, { withFileTypes: true }).filter((item) => item.isDirectory())
    expect(entries.map(({ name }) => name).sort()).toEqual(folders.map(({ name }) => name).sort())
    for (const { name, licence } of entries) {
      const page = readFileSync(join(folder, name, 'README.md'), 'utf8')
      expect(page, name).toContain(licence.name)
    }
  })

  test('names every file once', () => {
    const hashes = entries.map((entry) => entry.sha256)
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  test('pins every address to a revision, but for those known not to have one', () => {
    const loose = entries.filter(({ sources }) =>
      sources.some(
        (source) => source.type === 'https' && !/\/([0-9a-f]{40}|releases\/download)\//.test(source.url),
      ),
    )
    expect(loose.map(({ name }) => name)).toEqual(FOLLOWING_A_BRANCH)
  })

  test('names only families that can be decoded', () => {
    const known = allFamilies().map(({ name }) => name)
    for (const { name, family } of entries) {
      expect(known, name).toContain(family)
    }
  })

  test('says which licence is not permissive', () => {
    for (const { name, licence } of entries) {
      if (/GPL/.test(licence.name)) {
        expect(licence.class, name).toBe('copyleft')
      }
      if (/^(MIT|Apache|BSD)/.test(licence.name)) {
        expect(licence.class, name).toBe('permissive')
      }
    }
  })
})

describe.skipIf(!hasCorpus)('an entry whose file is in the corpus', () => {
  const manifest = hasCorpus ? JSON.parse(readFileSync(corpusPath('MANIFEST.json'), 'utf8')) : { models: [] }
  const files = new Map<string, { file: string; bytes: number }>(
    manifest.models.map((model: { sha256: string; file: string; bytes: number }) => [model.sha256, model]),
  )
  const shared = entries.filter((entry) => files.has(entry.sha256))

  test('exists for a good part of both', () => expect(shared.length).toBeGreaterThanOrEqual(12))

  test.each(shared.map((entry) => [entry.name, entry] as const))('%s is that file', (_, entry) => {
    const { file, bytes } = files.get(entry.sha256)!
    expect(entry.bytes).toBe(bytes)
    expect(sha256(corpusBytes(file))).toBe(entry.sha256)
    expect(file.endsWith(entry.format)).toBe(true)
  })

  test.each(shared.map((entry) => [entry.name, entry] as const))(
    '%s is recognised as the family and size that its entry states',
    async (_, entry) => {
      const signature = await readSignature(corpusBytes(files.get(entry.sha256)!.file))
      const { contract } = recognise(signature, entry.name)
      const { family, input } = mergeContract(contract, entry.overrides ?? {})
      expect({ family, size: input.size }).toEqual({ family: entry.family, size: entry.input })
    },
  )
})

describe('an entry of one’s own', () => {
  const make = (change: Record<string, unknown>) => {
    const space = makeWorkspace()
    space.addEntry('mine', [{ type: 'https', url: 'https://models.example/mine.onnx' }], change)
    return space
  }
  const read = async (change: Record<string, unknown>) => {
    const space = make(change)
    try {
      return await readEntry('mine', space.env)
    } finally {
      space.remove()
    }
  }

  test('is found beside those of Boxlet, and wins over one of the same name', async () => {
    const space = make({})
    space.addEntry('yolov8n', [{ type: 'https', url: 'https://models.example/y.onnx' }])
    expect(await catalogueNames(space.env)).toEqual(expect.arrayContaining(['mine', 'yolov8s']))
    expect((await readEntry('yolov8n', space.env))?.sources).toHaveLength(1)
    expect((await readEntry('yolov8n', space.env))?.sources[0]?.type).toBe('https')
    space.remove()
    expect(existsSync(space.folder)).toBe(false)
  })

  test.each([
    [{ sha256: 'abc' }, /sha256/],
    [{ sha256: 'A'.repeat(64) }, /sha256/],
    [{ bytes: 3 * 1024 ** 3 }, /bytes/],
    [{ bytes: 0 }, /bytes/],
    [{ sources: [] }, /sources/],
    [{ sources: [{ type: 'https', url: 'http://models.example/a.onnx' }] }, /sources\.0\.url/],
    [{ sources: [{ type: 'https', url: 'file:///etc/passwd' }] }, /sources\.0\.url/],
    [{ sources: [{ type: 'ftp', url: 'ftp://a' }] }, /sources\.0/],
    [{ licence: { name: 'MIT', class: 'free', source: '' } }, /licence\.class/],
    [{ contract: { version: 1 } }, /contract/],
    [{ surprise: 1 }, /surprise/],
    [{ name: 'other' }, /calls itself "other"/],
  ])('is refused with %o', async (change, text) => {
    await expect(read(change)).rejects.toThrow(text)
    await expect(read(change)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('is missed when its folder does not exist', async () => {
    await expect(catalogueNames({ BOXLET_CATALOGUE: '/no/such/folder' })).rejects.toThrow(/BOXLET_CATALOGUE/)
  })

  test('is refused when it is not JSON', async () => {
    const space = make({})
    writeFileSync(join(space.env.BOXLET_CATALOGUE!, 'mine', 'model.json'), '{')
    await expect(readEntry('mine', space.env)).rejects.toThrow(/not JSON/)
    rmSync(space.folder, { recursive: true })
  })

  test('cannot be reached by a name that leads out of the folder', async () => {
    for (const name of ['..', '../catalogue/yolov8n', 'a/b', '', 'YOLOv8n', '.hidden']) {
      expect(await readEntry(name, {})).toBeUndefined()
    }
  })
})

describe('names that are near', () => {
  const names = entries.map(({ name }) => name)

  test('contain the name itself for any single wrong letter', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(),
        fc.stringMatching(/^[a-z0-9]$/),
        (name, at, letter) => {
          const place = at % name.length
          const typo = name.slice(0, place) + letter + name.slice(place + 1)
          fc.pre(!names.includes(typo))
          expect(nearestNames(typo, [name])).toEqual([name])
        },
      ),
    )
  })

  test('are three at most, and none for something else', () => {
    expect(nearestNames('yolo', names).length).toBeLessThanOrEqual(3)
    expect(nearestNames('a-fridge-of-my-own', names)).toEqual([])
    expect(nearestNames('', names)).toEqual([])
  })
})
