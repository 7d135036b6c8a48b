import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { turnOffTelemetry } from './telemetry.ts'

/**
 * A graph of QuantizeLinear and DequantizeLinear as the whole-number operators that the runtime makes of it, which is
 * most of the work of opening one. Only fusions that do not depend on the processor: those of level `extended` leave
 * out the blocked layouts that differ between AVX2 and AVX-512.
 *
 * @throws Error of the runtime, where it refuses the graph
 */
export async function optimiseOffline(bytes: Uint8Array): Promise<Uint8Array> {
  turnOffTelemetry()
  const { InferenceSession } = await import('onnxruntime-node')
  const folder = await mkdtemp(join(tmpdir(), 'boxlet-optimise-'))
  const path = join(folder, 'model.onnx')
  try {
    const session = await InferenceSession.create(bytes, {
      graphOptimizationLevel: 'extended',
      optimizedModelFilePath: path,
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    })
    await session.release()
    const written = await readFile(path)
    return new Uint8Array(written.buffer, written.byteOffset, written.byteLength)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
