import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { list } from 'tar'
import { afterAll, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const out = mkdtempSync(join(tmpdir(), 'boxlet-packed-'))
afterAll(() => rmSync(out, { recursive: true }))

it('packs the runtime of one platform without its install script', async () => {
  const args = ['scripts/pack.js', '--platform', 'linux', '--arch', 'arm64', '--out', out]
  const file = execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }).trim()
  const names: string[] = []
  await list({ file, onReadEntry: (entry) => void names.push(entry.path) })
  const runtime = 'package/node_modules/onnxruntime-node'
  expect(names).toContain('package/dist/index.js')
  expect(names.filter((name) => name.includes('/bin/napi-v6/')).sort()).toEqual([
    `${runtime}/bin/napi-v6/linux/arm64/libonnxruntime.so.1`,
    `${runtime}/bin/napi-v6/linux/arm64/onnxruntime_binding.node`,
  ])
  expect(names.filter((name) => name.startsWith(`${runtime}/script`))).toEqual([])
  const sqlite = 'package/node_modules/@photostructure/sqlite'
  expect(names.filter((name) => name.includes('/prebuilds/')).sort()).toEqual([
    `${sqlite}/prebuilds/linux-arm64/@photostructure+sqlite.glibc.node`,
    `${sqlite}/prebuilds/linux-arm64/@photostructure+sqlite.musl.node`,
  ])
  const read = (path: string) =>
    JSON.parse(execFileSync('tar', ['xzOf', file, path], { encoding: 'utf8' })) as Record<string, unknown>
  expect(read(`${runtime}/package.json`)).not.toHaveProperty('scripts')
  expect(read('package/package.json')).toMatchObject({
    os: ['linux'],
    cpu: ['arm64'],
    bundleDependencies: ['onnxruntime-node', '@photostructure/sqlite'],
    dependencies: { 'onnxruntime-common': expect.any(String), 'node-gyp-build': expect.any(String) },
  })
})
