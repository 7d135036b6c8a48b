/**
 * Cold start on Lambda: process start to first detection, Boxlet's package against the plain way
 * (`lambda-plain.js`), both as zips under the same host, round about, Boxlet's with the variables that its template
 * sets. Needs `npm run build`.
 *
 *   node bench/lambda-cold.js [--node PATH] [--rounds 9] [--memory 1769] [--model yolov8n] [--image FILE] [--no-quota]
 *                             [ZIP ...]
 *
 * With packages that lie there already, those are measured, each against the first: what a change of the package
 * gains, as `docs/adr/0005-cold-start.md` has it.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { zipSync } from 'fflate'
import { hasCpuQuota } from '../dist/aws/emulator/cpu-quota.js'
import { LambdaHost } from '../dist/aws/emulator/lambda-host.js'
import { buildPackage } from '../dist/aws/package/build-package.js'
import { MEMORY_VARIABLES } from '../dist/aws/template/memory-variables.js'
import { resolveModel } from '../dist/store/store.js'

const { values, positionals: zips } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string', default: process.execPath },
    rounds: { type: 'string', default: '9' },
    memory: { type: 'string', default: '1769' },
    model: { type: 'string', default: 'yolov8n' },
    image: { type: 'string' },
    'no-quota': { type: 'boolean', default: false },
  },
})
const root = join(import.meta.dirname, '..')
const corpus = process.env.BOXLET_CORPUS ?? join(root, '../shared/corpus')
const photo = join(corpus, 'images/scenes/bus.jpg')
// The bundled picture is a PNG, which takes longer to decode than a photo.
const image = values.image ?? (existsSync(photo) ? photo : join(root, 'examples/pictures/coffee.png'))
const event = { image: readFileSync(image).toString('base64') }
const folder = mkdtempSync(join(tmpdir(), 'boxlet-cold-'))
const signal = new AbortController().signal
// Lambda gives the processor share of the memory, so both ways run within it where that can be imitated.
const quota = !values['no-quota'] && hasCpuQuota()
const arch = process.arch === 'arm64' ? 'arm64' : 'x86_64'

const LIBRARIES = ['onnxruntime-node', 'onnxruntime-common', 'sharp', '@img', 'detect-libc', 'semver']

/** node_modules as npm leaves them, without what other platforms need: unpruned it is over the limit of Lambda. */
async function plainZip() {
  const files = { 'index.mjs': readFileSync(join(import.meta.dirname, 'lambda-plain.js')) }
  for (const library of LIBRARIES) {
    const from = join(root, 'node_modules', library)
    for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const name = relative(root, path)
      const foreign =
        /napi-v6\/(?!linux)|napi-v6\/linux\//.test(name) && !name.includes(`napi-v6/linux/${process.arch}/`)
      if (entry.isFile() && !foreign) {
        files[name] = readFileSync(path)
      }
    }
  }
  files['model.onnx'] = readFileSync((await resolveModel(values.model, { env: process.env, signal })).path)
  return zipSync(files, { level: 0 })
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

async function cold(zip, environment) {
  const host = await LambdaHost.open({
    zip,
    node: values.node,
    memoryMb: Number(values.memory),
    environment,
    quota,
  })
  try {
    const result = await host.invoke(event)
    const answer = JSON.parse(Buffer.from(result.payload).toString('utf8'))
    if (result.functionError) {
      throw new Error(answer.errorMessage)
    }
    const { initMs, durationMs, cpuMs, maxMemoryBytes } = result.metrics
    const found = (answer.detections ?? answer.images[0].detections).length
    return { wall: initMs + durationMs, init: initMs, cpu: cpuMs, memory: maxMemoryBytes / 2 ** 20, found }
  } finally {
    await host.close()
  }
}

/** Ways to measure by their names; the others are told as a ratio to the first. */
async function packages() {
  if (zips.length > 0) {
    return zips.map((path) => ({ name: basename(path, '.zip'), path, environment: MEMORY_VARIABLES }))
  }
  const plain = join(folder, 'plain.zip')
  writeFileSync(plain, await plainZip())
  const boxlet = join(folder, 'boxlet.zip')
  const built = await buildPackage({
    arch,
    model: values.model,
    env: process.env,
    signal,
    acceptedLicences: ['AGPL-3.0', 'AGPL-3.0-only'],
  })
  writeFileSync(boxlet, built.zip)
  return [
    { name: 'plain', path: plain, environment: {} },
    { name: 'boxlet', path: boxlet, environment: MEMORY_VARIABLES },
  ]
}

try {
  const ways = await packages()
  const runs = new Map(ways.map(({ name }) => [name, []]))
  for (let round = 0; round <= Number(values.rounds); round++) {
    // Each round begins with another one, since what runs first may find the machine busier.
    const order = ways.map((_way, index) => ways[(index + round) % ways.length])
    for (const { name, path, environment } of order) {
      const run = await cold(path, environment)
      // The first round only brings the files into the cache of the machine.
      if (round > 0) {
        runs.get(name).push(run)
      }
    }
  }
  console.log(
    `${zips.length > 0 ? 'packages' : values.model}, ${basename(image)}, ${values.memory} MB, ${values.rounds} rounds, ${cpus()[0].model}, ${cpus().length} cores at a load of ${loadavg()[0].toFixed(1)}, ${quota ? 'processor share of that memory' : 'no processor share'}, node ${values.node}`,
  )
  const width = Math.max(...ways.map(({ name }) => name.length))
  const first = runs.get(ways[0].name)
  for (const { name, path } of ways) {
    const of = (key) => median(runs.get(name).map((run) => run[key]))
    const beside = (key, compare) => median(runs.get(name).map((run, i) => compare(run[key], first[i][key])))
    const ratio = (key) => beside(key, (own, other) => own / other).toFixed(2)
    const more = (key) => beside(key, (own, other) => own - other).toFixed(1)
    console.log(
      `${name.padEnd(width)} wall ${of('wall').toFixed(0)} ms (init ${of('init').toFixed(0)}), cpu ${of('cpu').toFixed(0)} ms, peak ${of('memory').toFixed(0)} MiB, zip ${(statSync(path).size / 1e6).toFixed(1)} MB, found ${runs.get(name)[0].found}`,
    )
    if (runs.get(name) !== first) {
      console.log(
        `${''.padEnd(width)} beside ${ways[0].name}: wall ${more('wall')} ms (${ratio('wall')}), cpu ${more('cpu')} ms (${ratio('cpu')}), peak memory ${ratio('memory')}`,
      )
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
