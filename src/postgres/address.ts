import { BoxletError } from '../errors.ts'

export interface PostgresAddress {
  /** For the driver, which reads what is missing in it from PGUSER, PGPASSWORD and their like. */
  connection: string
  /** Settings of the server for each connection, as `PGOPTIONS` writes them. */
  options: string
  schema: string
  /** For messages: without user and password. */
  name: string
}

/** Schema of a store that names none. */
const SCHEMA = 'boxlet'

export const isPostgresAddress = (store: string): boolean => /^postgres(?:ql)?:\/\//i.test(store)

/**
 * What a connection needs, behind what the address asks for: of two settings of a name the server takes the last, and the
 * driver takes the options of an address in place of all others.
 */
export const connectionOptions = (given: string, schema: string): string =>
  // A commit then survives the end of any process but not a loss of power, which takes the last ones only and in order.
  `${given} -c search_path=${schema} -c synchronous_commit=off`.trim()

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
  const options = url.searchParams.get('options') ?? ''
  url.searchParams.delete('options')
  const shown = schema === SCHEMA ? '' : `?schema=${schema}`
  return { connection: url.href, options, schema, name: `postgres://${url.host}${url.pathname}${shown}` }
}
