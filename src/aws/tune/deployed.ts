import { BoxletError } from '../../errors.ts'
import { type AwsSession, awsFault } from '../deploy/session.ts'
import { loadSdk } from '../sdk.ts'
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
    await client.send(new sdk.UpdateFunctionConfigurationCommand({ FunctionName: functionName, MemorySize }))
    await sdk.waitUntilFunctionUpdatedV2({ client, maxWaitTime: 120 }, { FunctionName: functionName })
  }
  const before = await client
    .send(new sdk.GetFunctionConfigurationCommand({ FunctionName: functionName }))
    .catch((cause) => {
      throw awsFault(`the settings of ${functionName}`, cause)
    })
  const points: Measurement[] = []
  try {
    for (const memoryMb of memorySizes) {
      if (signal.aborted) break
      onStep(`Measuring ${memoryMb} MB.`)
      await resize(memoryMb)
      const reports: Report[] = []
      for (let call = 0; call <= calls && !signal.aborted; call++) {
        const answer = await client.send(
          new sdk.InvokeCommand({
            FunctionName: functionName,
            Qualifier: '$LATEST',
            LogType: 'Tail',
            Payload: payload,
          }),
        )
        if (answer.FunctionError !== undefined)
          throw new BoxletError(
            'DEPLOY_FAILED',
            `Expected the function to detect but it failed: ${Buffer.from(answer.Payload ?? [])
              .toString('utf8')
              .slice(0, 200)}`,
          )
        const report = parseReport(Buffer.from(answer.LogResult ?? '', 'base64').toString('utf8'))
        if (report !== undefined) reports.push(report)
      }
      const point = summary(memoryMb, reports)
      if (point !== undefined) points.push(point)
    }
  } finally {
    await resize(before.MemorySize ?? 1769).catch(() =>
      onStep('The memory size of $LATEST could not be put back.'),
    )
  }
  return points
}

export interface Report {
  durationMs: number
  initMs: number | undefined
  maxMemoryMb: number
}

/** Lambda's REPORT line. */
export function parseReport(log: string): Report | undefined {
  const line = log.split('\n').find((text) => text.startsWith('REPORT'))
  if (line === undefined) return undefined
  const value = (label: string): number | undefined => {
    const match = new RegExp(`(?:^|\\t)${label}: ([\\d.]+) m[sB]`, 'i').exec(line)
    return match === null ? undefined : Number(match[1])
  }
  const durationMs = value('Duration')
  if (durationMs === undefined) return undefined
  return { durationMs, initMs: value('Init Duration'), maxMemoryMb: value('Max Memory Used') ?? 0 }
}

export function summary(memoryMb: number, reports: readonly Report[]): Measurement | undefined {
  const cold = reports.filter(({ initMs }) => initMs !== undefined)
  const warm = reports.filter(({ initMs }) => initMs === undefined).map(({ durationMs }) => durationMs)
  if (warm.length === 0) return undefined
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
