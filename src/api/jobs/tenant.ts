import type { Call } from '../call.ts'

/** Owner of the jobs of a service that asks for no keys, and of those of the command line. */
export const LOCAL_TENANT = 'local'

/** A key sees its own jobs and nobody else's. */
export const tenantOf = (call: Call): string => call.principal?.id ?? LOCAL_TENANT
