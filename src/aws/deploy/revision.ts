import { createHash } from 'node:crypto'
import type { Template } from '../template/cloudformation.ts'

const LENGTH = 32

/**
 * Names all that the stack is to be, so that any change of it publishes a version for the live alias, and a
 * repeated run publishes none.
 *
 * @param parameters those that are left out have their default, as CloudFormation will say the next time
 */
export function revisionOf(template: Template, parameters: Readonly<Record<string, string>>): string {
  const settings = Object.entries(template.Parameters)
    .filter(([name]) => name !== 'Revision')
    .map(([name, { Default = '' }]) => [name, parameters[name] ?? String(Default)])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([template, settings]))
    .digest('hex')
    .slice(0, LENGTH)
}
