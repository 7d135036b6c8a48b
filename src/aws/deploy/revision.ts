import { createHash } from 'node:crypto'
import type { Template } from '../template/cloudformation.ts'

const LENGTH = 32

/**
 * Names all that the stack is to be, so that any change of it publishes a version for the live alias, and a
 * repeated run publishes none.
 */
export function revisionOf(template: Template, parameters: Record<string, string>): string {
  const settings = Object.entries(parameters)
    .filter(([name]) => name !== 'Revision')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([template, settings]))
    .digest('hex')
    .slice(0, LENGTH)
}
