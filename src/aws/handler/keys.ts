import type { Authenticator } from '../../api/auth/authenticator.ts'
import type { Environment } from './open-model.ts'

export async function keyAuthenticator(env: Environment): Promise<Authenticator | undefined> {
  if (env.BOXLET_AUTH !== 'keys') return undefined
  throw new Error('keys')
}
