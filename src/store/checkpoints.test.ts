import { chmodSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { archive, classifier, dict, tensor, text } from '../../test/support/checkpoint.ts'
import { Detector } from '../detector/detector.ts'
import { readSignature } from '../prepare/read-signature.ts'
import { convertedCheckpoint } from './checkpoints.ts'
import { resolveModel } from './store.ts'

let folder: string
let env: Record<string, string>
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-checkpoints-'))
  env = { BOXLET_CACHE: join(folder, 'cache') }
  path = join(folder, 'best.pt')
  const { root, storages } = classifier()
  writeFileSync(path, archive(root, storages))
})

describe('a checkpoint given as a model', () => {
  it('is converted once and kept by its hash', async () => {
    const notices: string[] = []
    const onNotice = (line: string) => notices.push(line)
    const first = await resolveModel(path, { env, onNotice })
    expect(first).toMatchObject({ name: 'best', checkpoint: path })
    expect(notices.join('\n')).toContain('"best.pt" became ONNX')
    const said = notices.length
    const second = await resolveModel(path, { env, onNotice })
    expect(second).toEqual(first)
    expect(notices).toHaveLength(said)
    expect(
      readdirSync(join(folder, 'cache', 'converted')).filter((file) => file.endsWith('.onnx')),
    ).toHaveLength(1)
  })

  it('is converted anew when the kept file was changed', async () => {
    const { path: kept } = await resolveModel(path, { env })
    const whole = statSync(kept).size
    writeFileSync(kept, 'cut off')
    expect(statSync((await resolveModel(path, { env })).path).size).toBe(whole)
  })

  it('is converted where the cache cannot be written', async () => {
    const readOnly = join(folder, 'file')
    writeFileSync(readOnly, '')
    chmodSync(readOnly, 0o400)
    const { path: made } = await resolveModel(path, { env: { BOXLET_CACHE: join(readOnly, 'cache') } })
    expect(made.startsWith(tmpdir())).toBe(true)
    expect(statSync(made).size).toBeGreaterThan(100)
  })

  it('says what the trainer said, and its licence', async () => {
    const { root, storages } = classifier({ facts: [['license', text('AGPL-3.0')]] })
    writeFileSync(path, archive(root, storages))
    const detector = await Detector.load(path)
    expect(detector.model.licence).toBe('AGPL-3.0')
    expect(detector.model.contract.labels).toEqual(['cat', 'dog'])
    await detector.dispose()
  })

  it('of weights alone is refused with the way of its trainer', async () => {
    const weights = dict([text('model.0.conv.weight'), tensor('x', [1])])
    writeFileSync(path, archive(weights, { x: Float32Array.of(1) }))
    await expect(resolveModel(path, { env })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      hint: expect.stringContaining('best.pt of the training'),
    })
  })

  it('that is a safetensors file is refused by name', async () => {
    const header = Buffer.from('{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.length))
    writeFileSync(path, Buffer.concat([length, header, Buffer.alloc(4)]))
    await expect(convertedCheckpoint(path, '0'.repeat(64), { env })).rejects.toThrow('safetensors')
  })

  it('gives a file that reads as any ONNX file', async () => {
    const { path: made } = await resolveModel(path, { env })
    const { readFile } = await import('node:fs/promises')
    const signature = await readSignature(new Uint8Array(await readFile(made)))
    expect(signature.inputs).toMatchObject([{ name: 'images', shape: [1, 3, 8, 8] }])
    expect(signature.metadata).toMatchObject({
      task: 'classify',
      imgsz: '[8, 8]',
      names: "{0: 'cat', 1: 'dog'}",
    })
  })
})
