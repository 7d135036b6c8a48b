import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Unzip, UnzipInflate, unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { ARCHITECTURES, type Architecture, nodeArch } from './architecture.ts'
import { buildPackage, type PackageOptions } from './build-package.ts'
import { NATIVE_PARTS } from './native-parts.ts'
import { checkUnpacked, formatSizeReport, sizeReport } from './size-report.ts'
import { joinZips, reproducibleZip } from './zip.ts'

const build = (arch: Architecture, more: Partial<PackageOptions> = {}) =>
  buildPackage({
    arch,
    model: 'none',
    acceptedLicences: [],
    env: process.env,
    signal: new AbortController().signal,
    ...more,
  })

/** Each target once: bundling and compressing take seconds. */
const plain = new Map<Architecture, ReturnType<typeof build>>()
function plainBuild(arch: Architecture): ReturnType<typeof build> {
  const built = plain.get(arch) ?? build(arch)
  plain.set(arch, built)
  return built
}

describe('the package without a model', () => {
  it.each([
    ['arm64', 19.3e6],
    ['x86_64', 27.3e6],
  ] as const)(
    'stays within its budget for %s and holds only the libraries of the target',
    async (arch, budget) => {
      const { zip, report } = await plainBuild(arch)
      expect(zip.length).toBeLessThanOrEqual(budget)
      const names = Object.keys(unzipSync(zip))
      expect(names).toContain('index.mjs')
      const native = names.filter((name) => name.startsWith('native/'))
      expect(native.sort()).toEqual(NATIVE_PARTS[arch].map(({ target }) => target).sort())
      expect(native.join()).not.toContain(arch === 'arm64' ? 'x64' : 'arm64')
      expect(report.parts.map(({ name }) => name)).toEqual(['ONNX Runtime', 'sharp and libvips', 'handler'])
      expect(report.advice).toEqual([])
    },
    120_000,
  )

  it('carries the texts of all licences, and a bill of materials beside it', async () => {
    const { zip, sbom, sha256 } = await plainBuild('arm64')
    const files = unzipSync(zip, { filter: ({ name }) => /^(NOTICE|licences)/.test(name) })
    const text = (name: string): string => Buffer.from(files[name] ?? []).toString()
    const { components, metadata } = sbom as {
      components: { name: string; version: string; licenses?: { expression: string }[] }[]
      metadata: { component: { hashes: unknown[] } }
    }
    expect(metadata.component.hashes).toEqual([{ alg: 'SHA-256', content: sha256 }])
    for (const { name, version, licenses } of components) {
      expect(text('NOTICE.txt'), name).toContain(`${name}@${version}`)
      expect(licenses?.[0]?.expression, name).toMatch(/^[\w.() -]+$/)
      if (!/^@img|^onnxruntime-(node|common)$/.test(name)) {
        const [, section] = text('licences/npm.txt').split(`==== ${name}@${version} `)
        expect(section?.split('====')[0], name).toMatch(/copyright|licen[cs]e/i)
      }
    }
    const native = NATIVE_PARTS.arm64.map((part) => part.package)
    expect(components.map(({ name }) => name)).toEqual(expect.arrayContaining(native))
    expect(text('licences/LGPL-3.0.txt')).toContain('GNU LESSER GENERAL PUBLIC LICENSE')
    expect(text('licences/GPL-3.0.txt')).toContain('GNU GENERAL PUBLIC LICENSE')
    expect(text('licences/onnxruntime.txt')).toContain('Copyright (c) Microsoft Corporation')
    expect(text('licences/libvips.md')).toMatch(/\| libvips +\| LGPLv3/)
    expect(components.some(({ name }) => /npm-registry-fetch|@npmcli/.test(name))).toBe(false)
  }, 120_000)

  it('has the same bytes each time', async () => {
    const [one, other] = [await plainBuild('arm64'), await build('arm64')]
    expect(other.sha256).toBe(one.sha256)
  }, 120_000)

  it('loads one file of its own at its start', async () => {
    const { zip } = await plainBuild('arm64')
    const files = unzipSync(zip, { filter: ({ name }) => /^(index|start)\.mjs$/.test(name) })
    const imports = (name: string): string[] =>
      [
        ...Buffer.from(files[name]!)
          .toString()
          .matchAll(/\bfrom"(\.\/[^"]+)"/g),
      ].map(([, path]) => path!)
    expect(new Set(imports('index.mjs'))).toEqual(new Set(['./start.mjs']))
    expect(imports('start.mjs')).toEqual([])
  }, 60_000)

  it('imports the AWS SDK nowhere at its start', async () => {
    const { zip } = await plainBuild('arm64')
    const files = unzipSync(zip, { filter: ({ name }) => name.endsWith('.mjs') })
    for (const [name, bytes] of Object.entries(files)) {
      expect(/(from|import\()\s*["']@aws-sdk/.test(Buffer.from(bytes).toString()), name).toBe(false)
    }
  }, 60_000)
})

/** A small graph, and the weights that the runtime maps into memory. */
const MAPPED = ['model/manifest.json', 'model/model.onnx', 'model/model.weights']

describe.skipIf(!hasCorpus)('the package with a model', () => {
  it('puts a small one into the zip, prepared', async () => {
    const { zip, model } = await build('arm64', { model: corpusPath('models/yolox-nano.onnx') })
    expect(model?.place).toBe('zip')
    const files = unzipSync(zip, { filter: ({ name }) => name.startsWith('model/') })
    expect(Object.keys(files).sort()).toEqual(MAPPED)
    const manifest = JSON.parse(Buffer.from(files['model/manifest.json']!).toString())
    expect(manifest.info.contract.labels).toHaveLength(80)
    expect(files['model/model.onnx']!.length).toBeLessThan(manifest.bytes / 10)
  }, 120_000)

  it('keeps it outside where that is asked for', async () => {
    const model = corpusPath('models/yolox-nano.onnx')
    const layer = await build('arm64', { model, modelIn: 'layer' })
    const { layer: bytes } = layer.model!
    expect(Object.keys(unzipSync(bytes!)).sort()).toEqual(MAPPED)
    const s3 = await build('arm64', { model, modelIn: 's3' })
    expect(s3.zip.length).toBeLessThan(19.3e6)
    expect(s3.model?.files).toHaveLength(2)
  }, 120_000)

  it('asks for the licence of copyleft weights by name', async () => {
    const model = corpusPath('models/yolo11n-320-int8.onnx')
    await expect(build('arm64', { model })).rejects.toMatchObject({
      code: 'LICENCE_REFUSED',
      hint: expect.stringContaining('--accept-licence AGPL-3.0'),
    })
    const accepted = await build('arm64', { model, acceptedLicences: ['agpl-3.0'] })
    expect(accepted.model?.manifest.info.licence).toBe('AGPL-3.0')
  }, 120_000)
})

describe('native parts', () => {
  it('are those of package-lock.json', () => {
    const root = resolve(import.meta.dirname, '../../..')
    const { packages } = JSON.parse(readFileSync(resolve(root, 'package-lock.json'), 'utf8'))
    for (const arch of ARCHITECTURES) {
      for (const part of NATIVE_PARTS[arch]) {
        const locked = packages[`node_modules/${part.package}`]
        expect([part.version, part.integrity], 'run scripts/native-parts.js').toEqual([
          locked.version,
          locked.integrity,
        ])
        expect(part.path).toMatch(new RegExp(`${nodeArch(arch)}|libvips-cpp`))
      }
    }
  })
})

describe('reproducibleZip', () => {
  it('does not depend on the order of the files or on the time zone', async () => {
    const [a, b] = [
      { name: 'a', bytes: Buffer.from('1') },
      { name: 'b/c', bytes: Buffer.from('2') },
    ]
    const zone = process.env.TZ
    process.env.TZ = 'Asia/Tokyo'
    const one = await reproducibleZip([a, b])
    process.env.TZ = 'America/New_York'
    const other = await reproducibleZip([b, a])
    if (zone === undefined) {
      delete process.env.TZ
    } else {
      process.env.TZ = zone
    }
    expect(Buffer.from(other).equals(Buffer.from(one))).toBe(true)
  })
})

describe('joinZips', () => {
  it('holds the files of both, as two readers see them', async () => {
    const file = (name: string, length: number) => ({
      name,
      bytes: Uint8Array.from({ length }, (_, i) => (i * 7) % 251),
    })
    const [one, other] = [[file('index.mjs', 5000), file('native/ü.so', 0)], [file('model/a.onnx', 70_000)]]
    const joined = joinZips(await reproducibleZip(one), await reproducibleZip(other))
    const expected = Object.fromEntries([...one, ...other].map(({ name, bytes }) => [name, bytes]))
    expect(unzipSync(joined)).toEqual(expected)
    const streamed: string[] = []
    const reader = new Unzip((entry) => void streamed.push(entry.name))
    reader.register(UnzipInflate)
    reader.push(joined, true)
    expect(streamed).toEqual(Object.keys(expected))
  })
})

describe('size report', () => {
  const file = (name: string, megabytes: number) => ({ name, bytes: new Uint8Array(megabytes * 1e6) })

  it('says what takes the room and what to do', () => {
    const report = sizeReport(60e6, [file('model/model.onnx', 44), file('native/onnxruntime/x.so', 46)])
    expect(report.parts[0]?.name).toBe('ONNX Runtime')
    expect(formatSizeReport(report)).toContain('upload the zip through S3')
  })

  it('refuses what Lambda would not unpack', () => {
    expect(() => checkUnpacked(sizeReport(100e6, [file('model/model.onnx', 300)]))).toThrow(
      'model takes 300.0 MB',
    )
  })
})
