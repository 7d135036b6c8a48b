import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { CreateBucketCommand, PutBucketTaggingCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasParameter } from '../../src/aws/deploy/keys.ts'
import { readRecord } from '../../src/aws/deploy/package-record.ts'
import { describeStack, parametersOf } from '../../src/aws/deploy/stack.ts'
import { hostArchitecture } from '../../src/aws/package/architecture.ts'
import { boxlet } from '../support/boxlet.ts'
import { streetModel } from '../support/street.ts'
import { ENDPOINT } from './cloudformation-wire.ts'
import { deployment } from './deployment.ts'
import { awsVariables, REGION } from './stacks.ts'
import { motoServer } from './tools.ts'

const BIN = resolve(import.meta.dirname, '../../bin/boxlet.js')
const arch = hostArchitecture()

/** The built command as a process of its own, in a folder without configuration. */
describe.skipIf(motoServer === undefined || arch === undefined)('boxlet deploy and boxlet destroy', () => {
  const aws = deployment()
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-cli-deploy-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const model = streetModel()
  function start(...args: string[]) {
    const child: ChildProcess = spawn(process.execPath, [BIN, ...args, '--stack', 'test'], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, ...awsVariables(aws.front.endpoint) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = { out: '', err: '' }
    child.stdout?.on('data', (chunk) => {
      said.out += chunk
    })
    child.stderr?.on('data', (chunk) => {
      said.err += chunk
    })
    return {
      child,
      ended: once(child, 'close').then(([code]) => ({ code: code as number | null, ...said })),
    }
  }
  const run = (...args: string[]) => start(...args).ended
  const standing = () => describeStack(aws.session, 'test')
  const uploads = () => aws.front.calls.filter((call) => call.startsWith(`S3 PUT /${aws.bucket}/packages`))

  it('ask before they work, and do nothing where nobody can answer', async () => {
    for (const verb of ['deploy', 'destroy']) {
      const { code, err } = await run(verb)
      expect([code, err.trim().split('\n').at(-1)]).toEqual([2, expect.stringContaining('Add --yes')])
    }
    expect(aws.front.calls).toEqual([])
  })

  it('deploy a model, detect with it, and print its address and a call', async () => {
    const { code, out, err } = await run(
      'deploy',
      '--model',
      model,
      '--arch',
      arch!,
      '--memory',
      '1024',
      '--yes',
    )
    expect([code, out]).toEqual([0, `${ENDPOINT}\n`])
    expect(err).toMatch(/Uploading packages\/[0-9a-f]{64}\.zip/)
    expect(err).toContain('Add     Role AWS::IAM::Role [permissions]')
    expect(err).toMatch(/street detects: first call \d+ ms, second call \d+ ms/)
    expect(err).toContain('Skipped, which is no failure: the endpoint was not called')
    expect(err).toContain('--aws-sigv4 "aws:amz:eu-west-1:lambda"')
    expect(readRecord(await standing())).toMatchObject({ model: 'street.onnx' })
  })

  it('change a setting and keep model, labels, architecture and package', async () => {
    const before = parametersOf(await standing())
    const { code, err } = await run('deploy', '--memory', '3008', '--yes')
    expect([code, err]).toEqual([0, expect.stringContaining('The package stays as it is.')])
    expect(uploads()).toEqual([])
    const { MemorySize, CodeKey, Architecture } = parametersOf(await standing())
    expect({ MemorySize, CodeKey, Architecture }).toEqual({
      MemorySize: '3008',
      CodeKey: before.CodeKey,
      Architecture: arch,
    })
    expect(readRecord(await standing())).toMatchObject({ model: 'street.onnx' })
  })

  it('leave no plan behind after Ctrl-C', async () => {
    const before = parametersOf(await standing())
    const { child, ended } = start('deploy', '--timeout', '31', '--yes')
    aws.front.before = async (action) => {
      if (action !== 'DescribeChangeSet') {
        return
      }
      child.kill('SIGINT')
      await new Promise((done) => setTimeout(done, 200))
    }
    const { code, err } = await ended
    aws.front.before = () => {}
    expect([code, err]).toEqual([3, expect.stringContaining('[ABORTED]')])
    expect(aws.front.calls).toContain('CloudFormation DeleteChangeSet')
    expect(aws.front.calls).not.toContain('CloudFormation ExecuteChangeSet')
    expect(parametersOf(await standing())).toEqual(before)
  })

  it('end with code 1 when the stack is ready but could not be checked', async () => {
    aws.front.refuse = (action) =>
      action === 'Invoke' ? { code: 'AccessDeniedException', status: 403 } : undefined
    const { code, err } = await run('deploy', '--timeout', '32', '--yes')
    aws.front.refuse = () => undefined
    expect([code, err]).toEqual([1, expect.stringMatching(/The stack is ready, but .*AccessDenied/)])
    expect(parametersOf(await standing()).Timeout).toBe('32')
  })

  it('ask for the model where another package needs one', async () => {
    const other = arch === 'arm64' ? 'x86_64' : 'arm64'
    const { code, err } = await run('deploy', '--arch', other, '--yes')
    expect([code, err]).toEqual([2, expect.stringContaining('It runs the file street.onnx.')])
  })

  it('show keys once, before the change, and know later that callers need one', async () => {
    const { code, err } = await run('deploy', '--auth', 'keys', '--no-smoke', '--yes')
    expect(code).toBe(0)
    const key = /bearer {2}(boxlet_\S+)/.exec(err)?.[1]
    expect(err).toContain(`-H "authorization: Bearer ${key}"`)
    expect(err.indexOf('shown only now')).toBeLessThan(err.indexOf('Updating the stack'))
    const later = await run('deploy', '--memory', '2048', '--no-smoke', '--yes')
    expect(later.err).toContain('Bearer $BOXLET_KEY')
    expect(later.err).not.toContain('--aws-sigv4')
    const fresh = await run('deploy', '--new-keys', '--no-smoke', '--yes', '--format', 'json')
    expect(JSON.parse(fresh.out)).toMatchObject({
      outcome: 'unchanged',
      keys: { bearer: expect.any(String) },
    })
    expect(fresh.out).not.toContain(key)
  })

  it('ask about the stack and then about data, and keep both after a no', async () => {
    const Bucket = 'verb-pictures'
    const CreateBucketConfiguration = { LocationConstraint: REGION } as const
    await aws.session.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }))
    await aws.session.s3.send(new PutObjectCommand({ Bucket, Key: 'incoming/a.jpg', Body: 'x' }))
    const TagSet = [{ Key: 'boxlet:stack', Value: 'test' }]
    await aws.session.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }))
    await run('deploy', '--data-bucket', Bucket, '--no-smoke', '--yes')
    const answering = async (...lines: string[]) => {
      const stdin = Object.assign(new PassThrough(), { isTTY: true })
      const left = [...lines]
      const asked = setInterval(() => {
        if (stdin.readableFlowing && left.length > 0) {
          stdin.write(`${left.shift()}\n`)
        }
      }, 20)
      const result = await boxlet(['destroy', '--stack', 'test', '--region', REGION], { stdin })
      clearInterval(asked)
      return result
    }
    expect(await answering('n')).toMatchObject({
      code: 3,
      err: expect.stringContaining('Nothing was deleted'),
    })
    expect(await standing()).toBeDefined()
    const { code, err } = await answering('y', 'n')
    expect(code).toBe(0)
    expect(err).toContain(`Delete the bucket ${Bucket} with 1 object and the keys in /boxlet/test/keys too?`)
    const again = `boxlet destroy --stack test --region ${REGION} --data`
    expect(err).toContain(`Kept: the bucket ${Bucket} with 1 object; "${again}" deletes it.`)
    expect(err).toContain(`Kept: the keys in /boxlet/test/keys; "${again}" deletes them.`)
    expect(await standing()).toBeUndefined()
    expect(await hasParameter(aws.session, '/boxlet/test/keys')).toBe(true)
    expect(await aws.objects(Bucket)).toHaveProperty(['incoming/a.jpg'])
  })

  it('delete what is left once the stack has gone', async () => {
    const { code, err } = await run('destroy', '--data', '--delete-artefacts', '--yes')
    expect([code, err]).toEqual([0, expect.stringContaining('There is no stack "test"')])
    expect(await hasParameter(aws.session, '/boxlet/test/keys')).toBe(false)
    await expect(aws.objects('verb-pictures')).rejects.toThrow()
    await expect(aws.objects(aws.bucket)).rejects.toThrow()
    expect((await run('destroy', '--yes')).code).toBe(0)
  })
})
