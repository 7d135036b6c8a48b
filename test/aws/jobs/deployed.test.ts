import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStack, outputsOf, parametersOf } from '../../../src/aws/deploy/stack.ts'
import { LambdaHost } from '../../../src/aws/emulator/lambda-host.ts'
import { hostArchitecture } from '../../../src/aws/package/architecture.ts'
import { boxlet } from '../../support/boxlet.ts'
import { streetBytes, streetModel } from '../../support/street.ts'
import { deployment } from '../deployment.ts'
import { parse } from '../events.ts'
import { awsVariables, REGION } from '../stacks.ts'
import { motoServer } from '../tools.ts'
import { type Failures, pumpQueue } from './stack.ts'

const arch = hostArchitecture()
const MODEL = streetModel()

/**
 * The stack that `deploy --async` makes, with its own variables in its functions and its own queues between them. What
 * starts them, calls of an address, mappings and schedules, is not in moto.
 */
describe.skipIf(motoServer === undefined || arch === undefined)('boxlet deploy --async', () => {
  const aws = deployment()
  const hosts: LambdaHost[] = []
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-deployed-'))
    writeFileSync(join(folder, 'street.jpg'), streetBytes)
  })
  afterAll(async () => {
    for (const host of hosts) {
      await host.close()
    }
    rmSync(folder, { recursive: true, force: true })
  })

  const run = async (...args: string[]) => {
    const { code, out, err } = await boxlet(args, {
      env: { HOME: folder, ...awsVariables(aws.front.endpoint) },
    })
    expect(code, `${args.join(' ')}\n${out}\n${err}`).toBe(0)
    return `${out}\n${err}`
  }
  const deploy = (...args: string[]) =>
    run('deploy', '--stack', 'test', '--model', MODEL, '--arch', arch!, '--yes', ...args)
  const jobs = (verb: string, ...args: string[]) => run('jobs', verb, ...args, '--store', 'aws://test')
  const stack = () => describeStack(aws.session, 'test')

  /** As Lambda runs it: the code and the variables that the stack gave it. */
  async function functionOf(name: string): Promise<(event: object) => Promise<Failures>> {
    const lambda = new LambdaClient({ endpoint: aws.moto.endpoint, region: REGION })
    const { Environment, MemorySize, Handler } = await lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: name }),
    )
    const { CodeBucket, CodeKey } = parametersOf(await stack())
    const zip = join(folder, `${name}.zip`)
    writeFileSync(zip, await aws.read(CodeBucket!, CodeKey!))
    const host = await LambdaHost.open({
      zip,
      name,
      handler: Handler!,
      memoryMb: MemorySize!,
      timeoutMs: 60_000,
      region: REGION,
      environment: Environment!.Variables!,
      credentials: awsVariables(aws.moto.endpoint),
    })
    hosts.push(host)
    return async (event) => {
      const { functionError, payload, logs } = await host.invoke(event)
      expect(functionError, logs.join('\n')).toBeUndefined()
      return parse(payload) as Failures
    }
  }

  it('makes a stack that takes jobs from the command line, works on them, and keeps them from then on', async () => {
    const told = await deploy('--async', '--data-bucket', 'test-photos')
    expect(told).toContain('test')
    const outputs = outputsOf(await stack())
    expect(Object.keys(outputs)).toEqual(
      expect.arrayContaining(['JobTableName', 'QueueUrl', 'ChoresUrl', 'JobBusName', 'JobBucketName']),
    )
    await jobs('submit', join(folder, 'street.jpg'), '--batch', 'walk')
    expect(await jobs('list')).toContain('queued')

    const worker = await functionOf('test-worker')
    const clerk = await functionOf('test-clerk')
    const sqs = new SQSClient({ endpoint: aws.moto.endpoint, region: REGION })
    await clerk({ source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} })
    let count: number
    do {
      count =
        (await pumpQueue(sqs, outputs.QueueUrl!, worker)) + (await pumpQueue(sqs, outputs.ChoresUrl!, clerk))
    } while (count > 0)
    const [id] = /\b[0-9a-z]{26}\b/.exec(await jobs('list'))!
    expect(await jobs('wait', id)).toContain('1 succeeded')
    expect(await jobs('list', '--state', 'succeeded')).toContain(id)

    // Nothing said of jobs: they stay as they are.
    await deploy('--memory', '1024')
    expect(parametersOf(await stack())).toMatchObject({ Jobs: 'on', DataBucketName: 'test-photos' })
    expect(await jobs('list')).toContain(id)
    await deploy('--no-async')
    expect(parametersOf(await stack())).toMatchObject({ Jobs: 'paused' })
    expect(await jobs('list')).toContain(id)
    await deploy('--async')
    expect(await jobs('list')).toContain(id)

    await run('destroy', '--stack', 'test', '--yes')
    expect(await stack()).toBeUndefined()
    expect(await aws.objects('test-photos')).not.toEqual({})
  }, 240_000)
})
