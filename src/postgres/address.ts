import { BoxletError } from '../errors.ts'

export interface PostgresAddress {
  /** For the driver, which reads what is missing in it from PGUSER, PGPASSWORD and their like. */
  connection: string
  schema: string
  /** For messages: without user and password. */
  name: string
}

/** Schema of a store that names none. */
const SCHEMA = 'boxlet'

export const isPostgresAddress = (store: string): boolean => /^postgres(?:ql)?:\/\//i.test(store)

/**
 * Reads `postgres://user:password@host:5432/database?schema=name`.
 *
 * @throws BoxletError USAGE
 */
export function parsePostgresAddress(store: string): PostgresAddress {
  if (!URL.canParse(store)) {
    throw new BoxletError(
      'USAGE',
      'Expected postgres://USER@HOST/DATABASE for the store but it cannot be read.',
      {
        hint: 'Signs such as @ and / in a password are written as %40 and %2F.',
      },
    )
  }
  const url = new URL(store)
  const schema = url.searchParams.get('schema') ?? SCHEMA
  // It becomes part of statements, where it cannot be a parameter.
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(schema)) {
    throw new BoxletError(
      'USAGE',
      'Expected a schema of at most 40 small letters, digits and underscores but received another name.',
    )
  }
  url.searchParams.delete('schema')
  const shown = schema === SCHEMA ? '' : `?schema=${schema}`
  return { connection: url.href, schema, name: `postgres://${url.host}${url.pathname}${shown}` }
}
