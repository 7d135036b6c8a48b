import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingProfile } from './profile.ts'

describe('a profile', () => {
  let folder: string
  const files = () => ({
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
  })
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-profile-'))
    writeFileSync(
      join(folder, 'config'),
      '[default]\nregion = eu-west-1\n  [ profile "my team" ]\n[profile sso]\n',
    )
    writeFileSync(join(folder, 'credentials'), '[keys]\naws_access_key_id = a\n')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(['default', 'my team', 'sso', 'keys', '', undefined])(
    'in either file, or none at all, is not missing: %s',
    async (AWS_PROFILE) => {
      expect(await missingProfile(undefined, { ...files(), AWS_PROFILE })).toBeUndefined()
    },
  )

  it.each(['fridge', 'key', 'profile'])('in no file is missing: %s', async (AWS_PROFILE) => {
    expect(await missingProfile(undefined, { ...files(), AWS_PROFILE })).toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining(`"${AWS_PROFILE}"`),
    })
  })
})
