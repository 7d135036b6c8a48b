/**
 * The part of Lambda that moto lacks: it runs what was deployed. Code, layers and settings come from moto as the
 * stack left them; the zip runs under the Lambda host.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { LambdaHost } from '../../src/aws/host/lambda-host.ts'

export interface Bridge {
  endpoint: string
  stop(): Promise<void>
}

export async function startBridge(moto: string, code: () => Uint8Array): Promise<Bridge> {
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-bridge-'))
  const client = new LambdaClient({ endpoint: moto, region: 'eu-west-1' })
  const hosts = new Map<string, LambdaHost>()
  const hostFor = async (name: string): Promise<LambdaHost> => {
    const { Configuration } = await client.send(new GetFunctionCommand({ FunctionName: name }))
    const key = `${name} ${Configuration?.CodeSha256} ${Configuration?.MemorySize} ${JSON.stringify(Configuration?.Environment)}`
    const known = hosts.get(key)
    if (known !== undefined) return known
    const zip = join(folder, `${hosts.size}.zip`)
    writeFileSync(zip, code())
    const host = await LambdaHost.open({
      zip,
      name,
      handler: Configuration?.Handler ?? '',
      memoryMb: Configuration?.MemorySize ?? 0,
      timeoutMs: (Configuration?.Timeout ?? 3) * 1000,
      environment: Configuration?.Environment?.Variables ?? {},
      region: 'eu-west-1',
      credentials: { AWS_ENDPOINT_URL: moto, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    })
    hosts.set(key, host)
    return host
  }
  const server: Server = createServer((request, response) => {
    const name = /functions\/([^/]+)\/invocations/.exec(decodeURIComponent(request.url ?? ''))?.[1]
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      try {
        const function_ = (name ?? '').split(':function:').at(-1)?.split(':')[0] ?? ''
        const host = await hostFor(function_)
        const result = await host.invoke(JSON.parse(Buffer.concat(chunks).toString('utf8')))
        if (result.functionError !== undefined)
          response.setHeader('X-Amz-Function-Error', result.functionError)
        response.end(result.payload)
      } catch (error) {
        response.statusCode = 500
        response.end(JSON.stringify({ message: String(error) }))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      for (const host of hosts.values()) await host.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
