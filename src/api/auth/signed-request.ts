import { authError } from './auth-error.ts'

/** The parts of an `Authorization: AWS4-HMAC-SHA256 …` header. */
export interface Signed {
  accessKeyId: string
  /** YYYYMMDD */
  date: string
  region: string
  service: string
  signedHeaders: string[]
  /** 64 hexadecimal digits. */
  signature: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
const CREDENTIAL = /^([A-Za-z0-9]{4,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request$/
const HEADER_NAME = /^[a-z0-9-]{1,128}$/

export const isSigned = (authorization: string): boolean => authorization.startsWith(`${ALGORITHM} `)

/** @throws BoxletError UNAUTHENTICATED when a part is missing or malformed */
export function parseSigned(authorization: string): Signed {
  const fields = new Map<string, string>()
  for (const part of authorization.slice(ALGORITHM.length + 1).split(',')) {
    const [name = '', ...value] = part.trim().split('=')
    fields.set(name, value.join('='))
  }
  const credential = CREDENTIAL.exec(fields.get('Credential') ?? '')
  const signedHeaders = (fields.get('SignedHeaders') ?? '').split(';')
  const signature = fields.get('Signature') ?? ''
  const complete =
    credential !== null &&
    /^[0-9a-f]{64}$/.test(signature) &&
    signedHeaders.every((name) => HEADER_NAME.test(name))
  if (!complete) {
    throw authError(
      'IncompleteSignatureException',
      'Authorization header requires Credential, SignedHeaders and Signature of AWS4-HMAC-SHA256.',
    )
  }
  const [, accessKeyId = '', date = '', region = '', service = ''] = credential
  return { accessKeyId, date, region, service, signedHeaders, signature }
}

/** Milliseconds of `20261121T083000Z`; undefined for anything else. */
export function parseAmzDate(text: string | undefined): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '')
  if (match === null) {
    return undefined
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}
