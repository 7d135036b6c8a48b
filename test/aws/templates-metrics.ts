import { vi } from 'vitest'
import { Telemetry } from '../../src/aws/handler/telemetry.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'
import { factsOf } from './templates-facts.ts'

export interface Emitted {
  namespace: string
  dimensions: Record<string, string>
  names: Set<string>
}

/** What the functions of a stack write as metrics, read as CloudWatch reads log lines. */
export async function emittedMetrics(): Promise<Emitted> {
  const lines: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0)
  const main = factsOf(buildTemplate(), {}).Function!
  const { Variables } = main.Environment as { Variables: Record<string, string> }
  const telemetry = await Telemetry.open(Variables)
  const stages = { decode: 1, prepare: 1, run: 1, boxes: 1, queue: 1 }
  telemetry.started({ total: 1, load: 1, decoder: 1, session: 1, fetch: 1, warmUp: 1 }, 'model')
  telemetry.request({
    requestId: 'r',
    method: 'POST',
    path: '/v1/detect',
    status: 200,
    duration: 1,
    pictures: 1,
    detections: 1,
    stages,
  } as unknown as Parameters<Telemetry['request']>[0])
  const metrics = lines.filter((line) => line.includes('CloudWatchMetrics')).map((line) => JSON.parse(line))
  const of = metrics.map((line) => ({ line, one: line._aws.CloudWatchMetrics[0] }))
  const [{ line, one }] = of as [(typeof of)[number]]
  return {
    namespace: one.Namespace,
    dimensions: Object.fromEntries(one.Dimensions[0].map((name: string) => [name, line[name]])),
    names: new Set(of.flatMap(({ one: { Metrics } }) => Metrics.map(({ Name }: { Name: string }) => Name))),
  }
}
