import { randomBytes, randomInt } from 'node:crypto'
import { sha256Hex } from './crypto.ts'
import type { StoredKey } from './key-document.ts'

const IDENTIFIER = 'abcdefghijklmnopqrstuvwxyz0123456789'
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

const letters = (alphabet: string, count: number): string =>
  Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('')

/** A new bearer key: `key` is shown once, `stored` holds only its hash. 256 random bits. */
export async function createBearerKey(name: string, now: Date): Promise<{ stored: StoredKey; key: string }> {
  const id = letters(IDENTIFIER, 12)
  const key = `boxlet_${id}_${randomBytes(32).toString('base64url')}`
  return { stored: { kind: 'bearer', id, name, hash: await sha256Hex(key), created: now.toISOString() }, key }
}

/** A new pair for AWS clients; 240 random bits in the 40 letters that AWS secrets have. */
export function createAccessKey(name: string, now: Date): { stored: StoredKey; secret: string } {
  const secret = randomBytes(30).toString('base64')
  return {
    stored: { kind: 'access', id: `BOXL${letters(BASE32, 16)}`, name, secret, created: now.toISOString() },
    secret,
  }
}
