/**
 * Packs Boxlet with the native libraries of one platform inside, so that a plain `npm install` of the file runs no install
 * script, asks no host but the npm registry, and brings the libraries of that platform alone.
 *
 *   npm run build && node scripts/pack.js [--platform linux] [--arch x64] [--out FOLDER]
 *
 * The package of the runtime holds the libraries of five platforms, 288 MB, and its install script asks another host
 * for those of graphics cards. What is bundled is its JavaScript as it is, and the folder of one platform. SQLite comes
 * in the same way: its package holds the libraries of six platforms and the source of the engine, 29 MB.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { extract } from 'tar'

const ROOT = join(import.meta.dirname, '..')
const RUNTIME = 'onnxruntime-node'
const SQLITE = '@photostructure/sqlite'

const { values } = parseArgs({
  options: {
    platform: { type: 'string', default: process.platform },
    arch: { type: 'string', default: process.arch },
    out: { type: 'string', default: ROOT },
  },
})
const { platform, arch } = values
const out = resolve(values.out)
const stage = mkdtempSync(join(tmpdir(), 'boxlet-pack-'))
try {
  const plain = pack(ROOT, stage)
  await extract({ file: join(stage, plain), cwd: stage })
  const folder = join(stage, 'package')
  const runtime = bundleRuntime(join(folder, 'node_modules', RUNTIME))
  const sqlite = bundleSqlite(join(folder, 'node_modules', SQLITE))
  const { scripts: _scripts, devDependencies: _tools, ...manifest } = read(join(folder, 'package.json'))
  write(join(folder, 'package.json'), {
    ...manifest,
    os: [platform],
    cpu: [arch],
    dependencies: { ...manifest.dependencies, ...runtime.dependencies, ...sqlite.dependencies },
    bundleDependencies: [RUNTIME, SQLITE],
  })
  mkdirSync(out, { recursive: true })
  const name = plain.replace(/\.tgz$/, `-${platform}-${arch}.tgz`)
  renameSync(join(out, pack(folder, out)), join(out, name))
  process.stdout.write(`${join(out, name)}\n`)
} finally {
  rmSync(stage, { recursive: true, force: true })
}

/** The runtime without scripts, and so without what only its install script needs. */
function bundleRuntime(target) {
  const source = join(ROOT, 'node_modules', RUNTIME)
  const libraries = join('bin/napi-v6', platform, arch)
  for (const part of ['dist', 'README.md', libraries]) {
    cpSync(join(source, part), join(target, part), { recursive: true })
  }
  const { name, version, license, main, types, dependencies } = read(join(source, 'package.json'))
  const common = { 'onnxruntime-common': dependencies['onnxruntime-common'] }
  const manifest = { name, version, license, main, types, dependencies: common }
  write(join(target, 'package.json'), manifest)
  return manifest
}

/** SQLite with the libraries of one platform, for each C library, and without what only compiling needs. */
function bundleSqlite(target) {
  const source = join(ROOT, 'node_modules', SQLITE)
  for (const part of ['dist', 'LICENSE', 'README.md', join('prebuilds', `${platform}-${arch}`)]) {
    cpSync(join(source, part), join(target, part), { recursive: true })
  }
  const {
    scripts: _scripts,
    devDependencies: _tools,
    gypfile: _gyp,
    ...manifest
  } = read(join(source, 'package.json'))
  write(join(target, 'package.json'), manifest)
  return manifest
}

function pack(folder, destination) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination]
  const [{ filename }] = JSON.parse(execFileSync('npm', args, { cwd: folder, encoding: 'utf8' }))
  return filename
}

function read(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function write(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
}
