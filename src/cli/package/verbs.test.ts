import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'

describe('verbs of the package', () => {
  it.each(['package', 'template', 'invoke', 'tune', 'cost'])(
    'refuse a word without an option, which would be passed over: %s',
    async (verb) => {
      const { code, out, err } = await boxlet([verb, 'fridge.onnx'])
      expect([code, out]).toEqual([2, ''])
      expect(err).toMatch(
        new RegExp(
          `^boxlet: Expected options alone for "boxlet ${verb}" but received "fridge.onnx"\\. .+\\n$`,
        ),
      )
    },
  )

  it('draws the curve of tune as SVG or PNG only', async () => {
    const { code, err } = await boxlet([
      'tune',
      '--image',
      'examples/pictures/coffee.png',
      '--out',
      'curve.gif',
    ])
    expect(code).toBe(2)
    expect(err).toContain('.svg or .png for --out but received "curve.gif"')
  })

  it.skipIf(process.platform !== 'linux')('says so at once where a package cannot be written', async () => {
    const { code, err } = await boxlet(['package', '--model', 'none', '--out', '/proc/none/here'])
    expect(code).toBe(3)
    expect(err).toContain('[OUTPUT_UNWRITABLE]')
  })

  it('names the processor of a package that this machine cannot run', async () => {
    const [own, other] = process.arch === 'arm64' ? ['arm64', 'x64'] : ['x86_64', 'arm64']
    const folder = mkdtempSync(join(tmpdir(), 'boxlet-invoke-'))
    try {
      const zip = join(folder, 'other.zip')
      writeFileSync(zip, zipSync({ [`native/sharp-linux-${other}/lib/x.node`]: new Uint8Array(1) }))
      const { code, err } = await boxlet(['invoke', '--zip', zip, '--image', 'examples/pictures/coffee.png'])
      expect(code).toBe(2)
      expect(err).toContain(`Expected a package for ${own} but received one for`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
