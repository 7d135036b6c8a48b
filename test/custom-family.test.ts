import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '..')
let folder: string

/** The example as a package of its own, beside the built library. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-example-'))
  await cp(join(ROOT, 'examples/custom-family'), folder, { recursive: true })
  await mkdir(join(folder, 'node_modules'))
  await symlink(ROOT, join(folder, 'node_modules/boxlet'), 'junction')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('examples/custom-family', () => {
  it('passes its own test', async () => {
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', 'centernet.test.js'], {
      cwd: folder,
    })
    expect(stdout).toMatch(/^# fail 0$/m)
  })

  it('adds the family to the command line with --import', async () => {
    const picture = join(ROOT, 'examples/pictures/chelsea.png')
    const command = ['--import', './centernet.js', join(ROOT, 'bin/boxlet.js')]
    const { stdout } = await run(
      process.execPath,
      [...command, 'detect', picture, '--model', 'boats.onnx', '--format', 'json'],
      { cwd: folder },
    )
    expect(JSON.parse(stdout)).toMatchObject({
      model: { family: 'centernet' },
      images: [{ detections: [{ label: 'boat' }] }],
    })
  })
})
