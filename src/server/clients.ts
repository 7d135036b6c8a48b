import { DIALECTS, type DialectName } from '../api/dialects/dialects.ts'

/** Whose clients a service may answer too: the dialects of the application, and the tools for assistants. */
export const CLIENTS = {
  ...DIALECTS,
  mcp: { says: 'assistants, over the Model Context Protocol at /mcp' },
}

export type ClientName = DialectName | 'mcp'
