import type { Call } from '../call.ts'

/** Owner of the jobs of a service that asks for no keys, and of those of the command line. */
export const LOCAL_TENANT = 'local'

/** A key sees its own jobs and nobody else's. Whom the platform has let in speaks for the owner of the account. */
export const tenantOf = ({ principal }: Call): string =>
  principal === undefined || principal.kind === 'platform' ? LOCAL_TENANT : principal.id
