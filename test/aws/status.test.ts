import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  CreateStackCommand,
} from '@aws-sdk/client-cloudformation'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { boxlet } from '../support/boxlet.ts'
import { type Moto, startMoto } from './moto.ts'
import { type Relay, startRelay } from './relay.ts'
import { awsVariables, createStack, logsTemplate, REGION, stackParameters } from './stacks.ts'
import { motoServer } from './tools.ts'

const BIN = resolve(import.meta.dirname, '../../bin/boxlet.js')

describe.skipIf(motoServer === undefined)('boxlet status against moto', () => {
  let moto: Moto
  let relay: Relay
  let client: CloudFormationClient
  const outer = { ...process.env }

  beforeAll(async () => {
    moto = await startMoto(motoServer as string)
    relay = await startRelay(moto.endpoint)
    Object.assign(process.env, awsVariables(relay.endpoint))
    client = new CloudFormationClient({ endpoint: moto.endpoint, region: REGION })
    await createStack(moto.endpoint, 'boxlet', {
      MemorySize: '3008',
      DataBucketName: 'photos',
      Front: 'http-api',
      LogRetentionDays: '7',
    })
  })
  afterAll(async () => {
    process.env = outer
    await relay?.stop()
    await moto?.stop()
  })
  beforeEach(() => {
    relay.change = undefined
    relay.state = 'up'
  })

  it('shows state, endpoint, settings that are asked for and those that were chosen, and answers 0', async () => {
    const { code, out, err } = await boxlet(['status'])
    expect([code, err]).toEqual([0, ''])
    const rows = Object.fromEntries(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    )
    expect(rows).toEqual({
      stack: 'boxlet',
      region: REGION,
      status: 'CREATE_COMPLETE',
      changed: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      Endpoint: 'https://function.example/',
      LogGroupName: '/aws/lambda/boxlet',
      DataBucketName: 'photos',
      Front: 'http-api',
      LogRetentionDays: '7',
      Architecture: 'arm64',
      Runtime: 'nodejs24.x',
      MemorySize: '3008',
      Timeout: '30',
      Auth: 'iam',
      Watch: 'full',
      ReservedConcurrency: '-1',
      ProvisionedConcurrency: '0',
    })
  })

  it('writes one document with all parameters for programs', async () => {
    const { code, out } = await boxlet(['status', '--format', 'json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      stack: 'boxlet',
      region: REGION,
      status: 'CREATE_COMPLETE',
      changed: expect.stringMatching(/Z$/),
      parameters: expect.objectContaining({
        MemorySize: '3008',
        LogRetentionDays: '7',
        CodeKey: 'code.zip',
      }),
      outputs: {
        Endpoint: 'https://function.example/',
        LogGroupName: '/aws/lambda/boxlet',
        DataBucketName: 'photos',
      },
    })
  })

  it('shows the model, the place of the keys, the bucket of pictures and the revision', async () => {
    const chosen = {
      Auth: 'keys',
      KeysParameter: '/boxlet/keyed/keys',
      DataBucketName: 'photos',
      CreateDataBucket: 'false',
      Revision: '0123456789abcdef',
    }
    await client.send(
      new CreateStackCommand({
        StackName: 'keyed',
        TemplateBody: logsTemplate(),
        Parameters: stackParameters(chosen),
        Tags: [{ Key: 'boxlet:model', Value: 'fridge.onnx' }],
      }),
    )
    const { out } = await boxlet(['status', '--stack', 'keyed'])
    for (const [name, value] of Object.entries(chosen)) {
      expect(out).toMatch(new RegExp(`^${name} +${value}$`, 'm'))
    }
    expect(out).toMatch(/^model +fridge\.onnx$/m)
    const document = JSON.parse((await boxlet(['status', '--stack', 'keyed', '--format', 'json'])).out)
    expect(document).toMatchObject({ model: 'fridge.onnx', parameters: chosen })
  })

  it.each([
    [
      ['--stack', 'fridge'],
      'fridge',
      REGION,
      "Boxlet's stacks there are boxlet, keyed: name one with --stack, or another region with --region.",
    ],
    [
      ['--region', 'us-east-1'],
      'boxlet',
      'us-east-1',
      'Name another with --stack, or its region with --region.',
    ],
  ])(
    'tells in one line that there is no stack, and which there are, and answers 3: %j',
    async (args, name, region, others) => {
      expect(await boxlet(['status', ...args])).toEqual({
        code: 3,
        out: '',
        err: `boxlet: There is no stack "${name}" in ${region}. ${others}\n`,
      })
    },
  )

  it('answers 1 for a stack that is only planned', async () => {
    await client.send(
      new CreateChangeSetCommand({
        StackName: 'planned',
        ChangeSetName: 'first',
        ChangeSetType: 'CREATE',
        TemplateBody: logsTemplate(),
        Parameters: stackParameters(),
      }),
    )
    const { code, out, err } = await boxlet(['status', '--stack', 'planned'])
    expect([code, err]).toEqual([1, ''])
    expect(out).toMatch(/^status +REVIEW_IN_PROGRESS$/m)
  })

  it('answers 1 for a stack whose creation goes on', async () => {
    const taken = { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: '/aws/lambda/boxlet' } }
    // A resource that cannot be made keeps moto's stack in this state for ever.
    const TemplateBody = JSON.stringify({ Resources: { Taken: taken } })
    await client.send(new CreateStackCommand({ StackName: 'going', TemplateBody })).catch(() => {})
    const { code, out } = await boxlet(['status', '--stack', 'going'])
    expect(out).toMatch(/^status +CREATE_IN_PROGRESS$/m)
    expect(code).toBe(1)
  })

  it('answers 1 for a failed stack and says why it failed', async () => {
    const reason = 'The following resource(s) failed to create: [Role].'
    relay.change = (body) =>
      body.replace(
        '<StackStatus>CREATE_COMPLETE</StackStatus>',
        `<StackStatus>ROLLBACK_COMPLETE</StackStatus><StackStatusReason>${reason}</StackStatusReason>`,
      )
    const { code, out } = await boxlet(['status'])
    expect(code).toBe(1)
    expect(out).toMatch(/^status +ROLLBACK_COMPLETE\nreason +(.+)$/m)
    expect(out).toContain(reason)
    const document = JSON.parse((await boxlet(['status', '--format', 'json'])).out)
    expect(document).toMatchObject({ status: 'ROLLBACK_COMPLETE', reason })
  })

  it('tells in one line what AWS answered', async () => {
    relay.state = 'down'
    const { code, out, err } = await boxlet(['status'])
    expect([code, out]).toEqual([3, ''])
    expect(err).toMatch(/^boxlet: Expected AWS .* but it answered .+\. \[AWS_FAILED\]\n$/)
  })

  it('stops on Ctrl-C while AWS does not answer', async () => {
    relay.state = 'silent'
    const before = relay.calls
    const interrupt = new AbortController()
    const running = boxlet(['status'], { signal: interrupt.signal })
    await expect.poll(() => relay.calls).toBeGreaterThan(before)
    interrupt.abort()
    expect(await running).toEqual({
      code: 3,
      out: '',
      err: 'boxlet: Expected an answer of AWS but was interrupted. [ABORTED]\n',
    })
  })

  it('writes nothing beside the result as a process of its own', async () => {
    const child = spawn(process.execPath, [BIN, 'status', '--stack', 'fridge'], {
      cwd: tmpdir(),
      env: { PATH: process.env.PATH, ...awsVariables(moto.endpoint) },
    })
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ])
    expect([code, out]).toEqual([3, ''])
    expect(err).toMatch(/^boxlet: There is no stack "fridge" in eu-west-1\. [^\n]+\n$/)
  })
})
