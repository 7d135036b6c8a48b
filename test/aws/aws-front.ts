/**
 * One address for all of AWS: moto, with the parts that it lacks. Deployed functions run under the Lambda host,
 * with the code that the stack names; templates lose what moto does not know; and a plan without changes fails
 * as it does at AWS. What is asked of CloudFormation can be seen, and answered otherwise.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { LambdaHost } from '../../src/aws/emulator/lambda-host.ts'
import type { Template } from '../../src/aws/template/cloudformation.ts'
import { describedStack, unchangedPlan, wantedOf, withOutputs } from './cloudformation-wire.ts'
import { forMoto } from './for-moto.ts'
import { REGION as region } from './stacks.ts'

export interface Front {
  endpoint: string
  /** Each call as "S3 PUT /bucket/key" or "CloudFormation CreateChangeSet", oldest first. */
  calls: string[]
  /** Called before each call of CloudFormation; a promise holds it up. */
  before: (action: string) => void | Promise<void>
  /** Answers a call of CloudFormation, or `Invoke`, with an error of this code. */
  refuse: (action: string) => { code: string; status: number } | undefined
  /** Template as it was sent last, before it lost anything. */
  template(): Template
  stop(): Promise<void>
}

export async function startFront(moto: string): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-front-'))
  const options = { endpoint: moto, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
  const lambda = new LambdaClient(options)
  const s3 = new S3Client({ ...options, forcePathStyle: true })
  const formation = new CloudFormationClient(options)
  const hosts = new Map<string, LambdaHost>()
  const calls: string[] = []
  /** What each stack was last asked to be, and the plans that ask for the same. */
  const planned = new Map<string, { stack: string; wanted: string }>()
  const standing = new Map<string, string>()
  let template: Template | undefined

  async function code(stack: string): Promise<{ key: string; zip: Uint8Array }> {
    const { Stacks = [] } = await formation.send(new DescribeStacksCommand({ StackName: stack }))
    const of = (name: string) =>
      Stacks[0]?.Parameters?.find(({ ParameterKey }) => ParameterKey === name)?.ParameterValue ?? ''
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: of('CodeBucket'), Key: of('CodeKey') }))
    return { key: of('CodeKey'), zip: (await Body?.transformToByteArray()) ?? new Uint8Array() }
  }

  async function hostFor(name: string): Promise<LambdaHost> {
    const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName: name }))
    const { key: codeKey, zip } = await code(name)
    const environment = Configuration?.Environment?.Variables ?? {}
    const key = JSON.stringify([name, codeKey, Configuration?.MemorySize, environment])
    const known = hosts.get(key)
    if (known !== undefined) {
      return known
    }
    const path = join(folder, `${hosts.size}.zip`)
    writeFileSync(path, zip)
    const host = await LambdaHost.open({
      zip: path,
      name,
      handler: Configuration?.Handler ?? '',
      memoryMb: Configuration?.MemorySize ?? 0,
      timeoutMs: (Configuration?.Timeout ?? 3) * 1000,
      environment,
      region,
      credentials: { AWS_ENDPOINT_URL: moto, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    })
    hosts.set(key, host)
    return host
  }

  async function invoke(target: string, body: Buffer, response: ServerResponse): Promise<void> {
    const refused = front.refuse('Invoke')
    if (refused !== undefined) {
      response.writeHead(refused.status, { 'x-amzn-errortype': refused.code })
      response.end('{"message":"not permitted"}')
      return
    }
    const name = target.split(':function:').at(-1)?.split(':')[0] ?? ''
    const host = await hostFor(name)
    const result = await host.invoke(JSON.parse(body.toString('utf8')))
    if (result.functionError !== undefined) {
      response.setHeader('X-Amz-Function-Error', result.functionError)
    }
    response.end(result.payload)
  }

  /** As CloudFormation reads it: from the bucket that the host of the address names. */
  async function uploaded(address: string): Promise<string> {
    const { hostname, pathname } = new URL(address)
    const Bucket = hostname.slice(0, hostname.indexOf('.s3.'))
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: pathname.slice(1) }))
    return (await Body?.transformToString()) ?? ''
  }

  async function cloudFormation(
    form: URLSearchParams,
    response: ServerResponse,
  ): Promise<Buffer | undefined> {
    const action = form.get('Action') ?? ''
    calls.push(`CloudFormation ${action}`)
    await front.before(action)
    const refused = front.refuse(action)
    if (refused !== undefined) {
      response.writeHead(refused.status, { 'content-type': 'text/xml' })
      response.end(
        `<ErrorResponse><Error><Type>Sender</Type><Code>${refused.code}</Code><Message>not permitted</Message></Error></ErrorResponse>`,
      )
      return undefined
    }
    const [stack = '', id = ''] = [form.get('StackName') ?? '', form.get('ChangeSetName') ?? '']
    const arn = id.slice(id.lastIndexOf(':changeSet/') + 1).split('/')[1] ?? id
    if (action === 'CreateChangeSet') {
      const body = form.get('TemplateBody') ?? (await uploaded(form.get('TemplateURL') ?? ''))
      form.delete('TemplateURL')
      template = JSON.parse(body) as Template
      planned.set(id, { stack, wanted: wantedOf(form, template) })
      form.set('TemplateBody', JSON.stringify(forMoto(template)))
    }
    const plan = planned.get(arn)
    if (action === 'DescribeChangeSet' && plan !== undefined && standing.get(plan.stack) === plan.wanted) {
      response.setHeader('content-type', 'text/xml')
      response.end(unchangedPlan(id))
      return undefined
    }
    if (action === 'ExecuteChangeSet' && plan !== undefined) {
      standing.set(plan.stack, plan.wanted)
    }
    if (action === 'DeleteStack') {
      standing.delete(stack)
    }
    return Buffer.from(form.toString())
  }

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer)
    }
    let body: Buffer | undefined = Buffer.concat(chunks)
    const url = incoming.url ?? ''
    const target = /functions\/([^/]+)\/invocations/.exec(decodeURIComponent(url))?.[1]
    if (target !== undefined) {
      return invoke(target, body, response)
    }
    if (incoming.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
      const form = new URLSearchParams(body.toString('utf8'))
      if (!form.get('Version')?.startsWith('2010-05-15')) {
        calls.push(`STS ${form.get('Action')}`)
      } else {
        body = await cloudFormation(form, response)
      }
    } else {
      calls.push(`${incoming.headers['x-amz-target'] ?? `S3 ${incoming.method}`} ${url.split('?')[0]}`)
    }
    if (body === undefined) {
      return
    }
    const headers = { ...incoming.headers, 'content-length': String(body.length) }
    delete headers['transfer-encoding']
    const stack = describedStack(body)
    const onward = request(`${moto}${url}`, { method: incoming.method ?? 'GET', headers }, async (from) => {
      if (stack === undefined) {
        response.writeHead(from.statusCode ?? 500, from.headers)
        from.pipe(response)
        return
      }
      const parts: Buffer[] = []
      for await (const part of from) {
        parts.push(part as Buffer)
      }
      const { 'content-length': _other, ...rest } = from.headers
      response.writeHead(from.statusCode ?? 500, rest)
      response.end(withOutputs(Buffer.concat(parts).toString('utf8'), stack))
    })
    onward.on('error', (error) => response.destroy(error))
    onward.end(body)
  }

  const server = createServer((incoming, response) => {
    answer(incoming, response).catch((error) => {
      response.statusCode = 500
      response.end(JSON.stringify({ message: String(error) }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const front: Front = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    before: () => {},
    refuse: () => undefined,
    template: () => template as Template,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      for (const host of hosts.values()) {
        await host.close()
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return front
}
