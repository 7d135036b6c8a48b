// How long a checkpoint made to hurt is looked at until it is refused: by the converter alone (time of the processor),
// and by the command as a whole process. The files are those of src/checkpoint/attacks.test.ts.
//
//   npm run build && node bench/checkpoint-attacks.js
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { convertCheckpoint } from '../dist/checkpoint/checkpoint.js'
import { memorySource } from '../dist/checkpoint/source.js'

const BOXLET = join(import.meta.dirname, '../bin/boxlet.js')
const { outputFiles } = await build({
  entryPoints: [join(import.meta.dirname, '../test/support/checkpoint-attacks.ts')],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
})
const code = Buffer.from(outputFiles[0].contents).toString('base64')
const { CHECKPOINT_ATTACKS } = await import(`data:text/javascript;base64,${code}`)

const folder = mkdtempSync(join(tmpdir(), 'boxlet-bench-'))
const path = join(folder, 'attack.pt')
let most = { alone: 0, whole: 0 }
for (const [name, code, make] of CHECKPOINT_ATTACKS) {
  const file = make()
  writeFileSync(path, file)
  const alone = timed(() => refusal(file))
  const whole = timed(() => command())
  if (alone.result !== code || !whole.result.includes(`[${code}]`)) {
    throw new Error(`Expected ${code} for ${name} but received ${alone.result} and ${whole.result}`)
  }
  most = { alone: Math.max(most.alone, alone.processor), whole: Math.max(most.whole, whole.ms) }
  print(name, alone.processor, whole.ms, code)
}
rmSync(folder, { recursive: true })
print(`the slowest of ${CHECKPOINT_ATTACKS.length}`, most.alone, most.whole, '')

function print(name, alone, whole, code) {
  console.log(
    `${name.padEnd(45)} ${alone.toFixed(0).padStart(6)} ms ${whole.toFixed(0).padStart(6)} ms  ${code}`,
  )
}

function timed(work) {
  const [started, before] = [performance.now(), process.cpuUsage()]
  const result = work()
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - started, processor: (user + system) / 1000, result }
}

function refusal(file) {
  try {
    convertCheckpoint(memorySource(file)).onnx.finish()
    return 'converted'
  } catch (error) {
    return error.code
  }
}

function command() {
  const args = [BOXLET, 'convert', path, '--out', join(folder, 'out.onnx'), '--force']
  return spawnSync(process.execPath, args, { encoding: 'utf8' }).stderr
}
