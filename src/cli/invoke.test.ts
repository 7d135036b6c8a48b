import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../test/support/boxlet.ts'

const ECHO = `export const handler = async () => Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(AWS_|BOXLET_AUTH)/.test(name)))`
let folder: string
let zip: string
let event: string
const outer = { ...process.env }

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'invoke-test-'))
  zip = join(folder, 'echo.zip')
  event = join(folder, 'event.json')
  writeFileSync(zip, zipSync({ 'index.mjs': Buffer.from(ECHO) }))
  writeFileSync(event, '{}')
  writeFileSync(join(folder, 'config'), '[profile work]\nregion = eu-north-1\n')
  writeFileSync(
    join(folder, 'credentials'),
    '[work]\naws_access_key_id = FROMFILE\naws_secret_access_key = hidden\naws_session_token = token\n',
  )
})
afterEach(() => {
  process.env = { ...outer }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('boxlet invoke', () => {
  const invoke = async (args: string[]) => {
    const result = await boxlet(['invoke', '--zip', zip, '--event', event, ...args], {
      env: { ...process.env } as Record<string, string>,
    })
    return { ...result, answer: JSON.parse(result.out || '{}') as Record<string, string> }
  }
  const ownAws = (profile: string) => {
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('AWS_')) {
        delete process.env[name]
      }
    }
    process.env.AWS_CONFIG_FILE = join(folder, 'config')
    process.env.AWS_SHARED_CREDENTIALS_FILE = join(folder, 'credentials')
    process.env.AWS_EC2_METADATA_DISABLED = 'true'
    process.env.AWS_PROFILE = profile
  }

  it('gives the function no credentials of yours, and callers by IAM as a stack does', async () => {
    ownAws('work')
    const { code, answer } = await invoke([])
    expect(code).toBe(0)
    expect(answer).toMatchObject({ AWS_ACCESS_KEY_ID: 'local', BOXLET_AUTH: 'iam' })
    expect(answer.AWS_PROFILE).toBeUndefined()
  })

  it('passes the credentials and region of a profile on, and not the profile', async () => {
    ownAws('work')
    const { code, answer } = await invoke(['--real-aws'])
    expect(code).toBe(0)
    expect(answer).toMatchObject({
      AWS_ACCESS_KEY_ID: 'FROMFILE',
      AWS_SECRET_ACCESS_KEY: 'hidden',
      AWS_SESSION_TOKEN: 'token',
      AWS_REGION: 'eu-north-1',
    })
    expect(answer.AWS_PROFILE).toBeUndefined()
  })

  it('says that there are none', async () => {
    ownAws('nobody')
    const { code, err } = await invoke(['--real-aws'])
    expect(code).not.toBe(0)
    expect(err).toContain('Expected AWS credentials but found none.')
  })
})
