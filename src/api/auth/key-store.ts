/** A key for `Authorization: Bearer` or `X-Api-Key`. Only a hash of it is kept. */
export interface BearerKey {
  id: string
  name: string
  /** SHA-256 of the whole key, hexadecimal. The key is random, so that a slow hash would add nothing. */
  hash: string
}

/** A pair for AWS clients. The secret has to be kept: every signature is made from it again. */
export interface AccessKey {
  id: string
  name: string
  secret: string
}

/** Where keys are looked up. Revoked keys are not found. */
export interface KeyStore {
  bearer(id: string): Promise<BearerKey | undefined>
  access(id: string): Promise<AccessKey | undefined>
}

/** `boxlet_` + identifier + `_` + secret. The identifier finds the entry; the prefix lets scanners find leaks. */
export const BEARER_KEY = /^boxlet_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/

/** Looks like an AWS access key identifier, without the letters that AWS gives its own. */
export const ACCESS_KEY_ID = /^BOXL[A-Z2-7]{16}$/
