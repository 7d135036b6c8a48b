/** A plan in the words of a person who has to agree to it. */
import type { Change } from '@aws-sdk/client-cloudformation'

export interface PlannedChange {
  action: string
  resource: string
  type: string
  /** Replaced ones get a new name or address; "perhaps" is known only when it happens. */
  replaced: 'yes' | 'perhaps' | 'no'
  /** "MemorySize: 1769 → 3008", or the name alone where the values are not known. */
  properties: string[]
  /** What deserves a second look. */
  marks: ('permissions' | 'public')[]
}

/** Types that say who may do what. */
const PERMISSIONS = /^AWS::IAM::|^AWS::Lambda::(Permission|Url)$|Policy$|^AWS::ApiGatewayV2::Route$/
/** Of those, the ones that open the endpoint. */
const DOORS = /^AWS::Lambda::(Permission|Url)$|^AWS::ApiGatewayV2::Route$/
const LONGEST_VALUE = 60

/**
 * @param open true when callers are not checked by AWS: the endpoint is then reachable for everyone, and the
 * function itself asks for a key
 */
export function describeChanges(changes: readonly Change[], open: boolean): PlannedChange[] {
  return changes.flatMap(({ ResourceChange: change }) => {
    if (change === undefined) {
      return []
    }
    const { Action = '', LogicalResourceId = '', ResourceType = '', Replacement } = change
    const properties = new Set<string>()
    for (const { Target: target } of change.Details ?? []) {
      if (target?.Attribute === undefined) {
        continue
      }
      const name = target.Name ?? target.Attribute
      properties.add(name + values(target.BeforeValue, target.AfterValue))
    }
    const text = JSON.stringify(change.Details ?? []) + (change.AfterContext ?? '')
    const isDoor = DOORS.test(ResourceType)
    const isPublic = isDoor && Action !== 'Remove' && (open || /"Principal\\?":\\?"\*|\bNONE\b/.test(text))
    const marks: PlannedChange['marks'] = []
    if (PERMISSIONS.test(ResourceType)) {
      marks.push('permissions')
    }
    if (isPublic) {
      marks.push('public')
    }
    return [
      {
        action: Action,
        resource: LogicalResourceId,
        type: ResourceType,
        replaced: Replacement === 'True' ? 'yes' : Replacement === 'Conditional' ? 'perhaps' : 'no',
        properties: [...properties],
        marks,
      },
    ]
  })
}

function values(before: string | undefined, after: string | undefined): string {
  if (before === undefined && after === undefined) {
    return ''
  }
  if ((before ?? '').length > LONGEST_VALUE || (after ?? '').length > LONGEST_VALUE) {
    return ''
  }
  return `: ${before ?? 'none'} → ${after ?? 'none'}`
}
