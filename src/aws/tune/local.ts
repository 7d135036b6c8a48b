import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { hasCpuQuota } from '../emulator/cpu-quota.ts'
import { LambdaHost } from '../emulator/lambda-host.ts'
import { MEMORY_VARIABLES } from '../template/memory-variables.ts'
import { type Measurement, median } from './measurement.ts'

export interface LocalOptions {
  zip: string
  layers?: readonly string[]
  event: unknown
  memoryMb: number
  /** Warm calls for each environment, and environments. */
  calls: number
  starts: number
  node?: string
  signal: AbortSignal
}

/** False where the processor cannot be held to a share; all sizes would then measure alike. */
export const canMeasureLocally = hasCpuQuota

/** How the host tells that a process outgrew its memory. */
const OUT_OF_MEMORY = 'Runtime.OutOfMemory'

/**
 * Measures one memory size on this machine, with the process held to the share that the size buys.
 *
 * @returns undefined where the size has too little memory
 * @throws BoxletError MODEL_RUN_FAILED when the function fails otherwise
 */
export async function measureLocally(options: LocalOptions): Promise<Measurement | undefined> {
  const { zip, layers = [], event, memoryMb, calls, starts, node, signal } = options
  const cold: number[] = []
  const warm: number[] = []
  const cpu: number[] = []
  let peak = 0
  for (let start = 0; start < starts; start++) {
    signal.throwIfAborted()
    const host = await LambdaHost.open({
      zip,
      layers,
      memoryMb,
      quota: true,
      environment: MEMORY_VARIABLES,
      timeoutMs: 300_000,
      ...defined({ node }),
    })
    try {
      for (let call = 0; call <= calls && !signal.aborted; call++) {
        const result = await host.invoke(event)
        if (result.functionError !== undefined) {
          const { errorType, message } = failure(result.payload)
          if (errorType === OUT_OF_MEMORY) {
            return undefined
          }
          throw new BoxletError(
            'MODEL_RUN_FAILED',
            `Expected the package to detect but it answered: ${message}`,
          )
        }
        const { initMs, durationMs, cpuMs, maxMemoryBytes } = result.metrics
        if (initMs !== undefined) {
          cold.push(initMs + durationMs)
        } else {
          warm.push(durationMs)
          if (cpuMs !== undefined) {
            cpu.push(cpuMs)
          }
        }
        peak = Math.max(peak, maxMemoryBytes ?? 0)
      }
    } finally {
      await host.close()
    }
  }
  return {
    memoryMb,
    coldMs: median(cold),
    warmMs: median(warm),
    worstMs: Math.max(...warm),
    // The system counts in steps of ten milliseconds, so the mean says more than the median.
    cpuMs: cpu.length === 0 ? undefined : cpu.reduce((sum, ms) => sum + ms, 0) / cpu.length,
    peakMemoryMb: peak === 0 ? undefined : peak / 2 ** 20,
    calls: warm.length,
  }
}

function failure(payload: Uint8Array): { errorType: string | undefined; message: string } {
  const text = Buffer.from(payload).toString('utf8')
  const { errorType, errorMessage = text } = JSON.parse(text) as { errorType?: string; errorMessage?: string }
  return { errorType, message: errorMessage }
}
