import type { InvokeCommandOutput } from '@aws-sdk/client-lambda'
import { BoxletError, throwIfAborted } from '../../errors.ts'
import { loadSdk } from '../clients/sdk.ts'
import { type AwsSession, awsFault } from '../deploy/session.ts'
import { type Measurement, median } from './measurement.ts'

export interface DeployedOptions {
  functionName: string
  event: unknown
  memorySizes: readonly number[]
  calls: number
  signal: AbortSignal
  onStep(text: string): void
}

/**
 * Measures a deployed function at several memory sizes. Only `$LATEST` changes, which serves nobody: callers
 * reach the version behind the alias. Its size is put back at the end, whatever happens.
 */
export async function measureDeployed(session: AwsSession, options: DeployedOptions): Promise<Measurement[]> {
  const { functionName, memorySizes, calls, signal, onStep } = options
  const sdk = loadSdk<typeof import('@aws-sdk/client-lambda')>('@aws-sdk/client-lambda')
  const client = new sdk.LambdaClient({ region: session.region })
  const payload = Buffer.from(JSON.stringify(options.event))
  const resize = async (MemorySize: number): Promise<void> => {
    try {
      await client.send(
        new sdk.UpdateFunctionConfigurationCommand({ FunctionName: functionName, MemorySize }),
      )
      await sdk.waitUntilFunctionUpdatedV2({ client, maxWaitTime: 120 }, { FunctionName: functionName })
    } catch (cause) {
      throw awsFault(`change the memory size of ${functionName}`, cause)
    }
  }
  const invoke = async (): Promise<InvokeCommandOutput> => {
    const call = {
      FunctionName: functionName,
      Qualifier: '$LATEST',
      LogType: 'Tail',
      Payload: payload,
    } as const
    return client.send(new sdk.InvokeCommand(call)).catch((cause) => {
      throw awsFault(`invoke ${functionName}`, cause)
    })
  }
  const before = await client
    .send(new sdk.GetFunctionConfigurationCommand({ FunctionName: functionName }))
    .catch((cause) => {
      throw awsFault(`tell the settings of ${functionName}`, cause)
    })
  const points: Measurement[] = []
  try {
    for (const memoryMb of memorySizes) {
      throwIfAborted(signal)
      onStep(`Measuring ${memoryMb} MB.`)
      await resize(memoryMb)
      const reports: Report[] = []
      let tooLittle = false
      for (let call = 0; call <= calls && !tooLittle; call++) {
        throwIfAborted(signal)
        const answer = await invoke()
        if (answer.FunctionError !== undefined) {
          tooLittle = outgrown(answer.Payload)
        }
        const report = parseReport(Buffer.from(answer.LogResult ?? '', 'base64').toString('utf8'))
        if (report !== undefined) {
          reports.push(report)
        }
      }
      const point = tooLittle ? undefined : summary(memoryMb, reports)
      if (point !== undefined) {
        points.push(point)
      } else if (tooLittle) {
        onStep(`${memoryMb} MB is too little for this model and picture; left out.`)
      }
    }
    if (points.length === 0) {
      throw new BoxletError('DEPLOY_FAILED', 'Expected reports of the calls in the log but received none.', {
        hint: 'Measure larger sizes with --sizes, or look at "boxlet logs".',
      })
    }
  } finally {
    await resize(before.MemorySize ?? 1769).catch(() =>
      onStep('The memory size of $LATEST could not be put back.'),
    )
  }
  return points
}

/** Lambda ends a process that outgrows its memory, and tells it in one of two ways. */
function outgrown(payload: Uint8Array | undefined): true {
  const text = Buffer.from(payload ?? []).toString('utf8')
  if (/Runtime\.OutOfMemory|signal: killed/.test(text)) {
    return true
  }
  const { errorMessage = text } = JSON.parse(text) as { errorMessage?: string }
  throw new BoxletError(
    'DEPLOY_FAILED',
    `Expected the function to detect but it answered: ${errorMessage.slice(0, 200)}`,
  )
}

export interface Report {
  durationMs: number
  initMs: number | undefined
  maxMemoryMb: number
}

/** Lambda's REPORT line. */
export function parseReport(log: string): Report | undefined {
  const line = log.split('\n').find((text) => text.startsWith('REPORT'))
  if (line === undefined) {
    return undefined
  }
  const value = (label: string): number | undefined => {
    const match = new RegExp(`(?:^|\\t)${label}: ([\\d.]+) m[sB]`, 'i').exec(line)
    return match === null ? undefined : Number(match[1])
  }
  const durationMs = value('Duration')
  if (durationMs === undefined) {
    return undefined
  }
  return { durationMs, initMs: value('Init Duration'), maxMemoryMb: value('Max Memory Used') ?? 0 }
}

export function summary(memoryMb: number, reports: readonly Report[]): Measurement | undefined {
  const cold = reports.filter(({ initMs }) => initMs !== undefined)
  const warm = reports.filter(({ initMs }) => initMs === undefined).map(({ durationMs }) => durationMs)
  if (warm.length === 0) {
    return undefined
  }
  return {
    memoryMb,
    coldMs:
      cold.length === 0 ? Number.NaN : median(cold.map(({ durationMs, initMs = 0 }) => durationMs + initMs)),
    warmMs: median(warm),
    worstMs: Math.max(...warm),
    cpuMs: undefined,
    peakMemoryMb: Math.max(...reports.map(({ maxMemoryMb }) => maxMemoryMb)),
    calls: warm.length,
  }
}
