import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { vi } from 'vitest'
import { Start } from '../../src/aws/function/start.ts'
import type { Telemetry } from '../../src/aws/function/telemetry.ts'
import { packageModel } from '../../src/aws/package/model-part.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'
import { tinyYolov8 } from '../support/yolov8-head.ts'
import { factsOf } from './templates-facts.ts'

export interface Emitted {
  namespace: string
  dimensions: Record<string, string>
  names: Set<string>
}

/**
 * What the functions of a stack write at a start and for a request, read as CloudWatch reads log lines.
 *
 * @param kind a usual start, or one that fetches its model and runs it before the first call
 */
export async function emittedMetrics(kind: 'usual' | 'longest' = 'usual'): Promise<Emitted> {
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-metrics-'))
  const server = createServer((request, response) => answer(folder, request, response)).listen(0, '127.0.0.1')
  try {
    await once(server, 'listening')
    await writeModel(folder)
    if (kind === 'usual') {
      return await metricsOf({ LAMBDA_TASK_ROOT: folder })
    }
    const { port } = server.address() as AddressInfo
    vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${port}`)
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
      vi.stubEnv(name, 'test')
    }
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    vi.stubEnv('TMPDIR', folder)
    return await metricsOf({ BOXLET_MODEL: 's3://bucket/model/manifest.json', BOXLET_WARM_UP: 'full' })
  } finally {
    vi.unstubAllEnvs()
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** As the package has it beside the code, in one file as in S3. */
async function writeModel(folder: string): Promise<void> {
  const graph = join(folder, 'tiny.onnx')
  writeFileSync(graph, tinyYolov8({ parts: 'split', sides: 'split', half: 'div' }))
  const { files } = await packageModel(graph, {
    env: process.env,
    signal: new AbortController().signal,
    acceptedLicences: [],
  })
  mkdirSync(join(folder, 'model'))
  for (const { name, bytes } of files) {
    writeFileSync(join(folder, name), bytes)
  }
}

/** As S3, for a file that is small enough for one range. */
function answer(folder: string, { url = '', method }: IncomingMessage, response: ServerResponse): void {
  const bytes = readFileSync(join(folder, 'model', basename(new URL(url, 'http://s3').pathname)))
  response.writeHead(200, { etag: '"one"', 'content-length': bytes.length })
  response.end(method === 'HEAD' ? undefined : bytes)
}

async function metricsOf(env: Record<string, string>): Promise<Emitted> {
  const lines: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0)
  const main = factsOf(buildTemplate(), {}).Function!
  const { Variables } = main.Environment as { Variables: Record<string, string> }
  const start = new Start({ ...Variables, ...env })
  await start.run()
  const telemetry = await start.telemetry
  const stages = { decode: 1, prepare: 1, run: 1, boxes: 1, queue: 1 }
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
