import type { ResourceChange } from '@aws-sdk/client-cloudformation'
import { expect, it } from 'vitest'
import { describeChanges } from './changes.ts'

const planned = (change: ResourceChange, open = false) =>
  describeChanges([{ Type: 'Resource', ResourceChange: change }], open)[0]

const named = {
  Action: 'Modify',
  LogicalResourceId: 'Function',
  ResourceType: 'AWS::Lambda::Function',
} as const

it('shows which properties change, and from what to what', () => {
  expect(
    planned({
      ...named,
      Replacement: 'Conditional',
      Details: [
        { Target: { Attribute: 'Properties', Name: 'MemorySize', BeforeValue: '1769', AfterValue: '3008' } },
        {
          Target: {
            Attribute: 'Properties',
            Name: 'Environment',
            BeforeValue: '{'.repeat(99),
            AfterValue: '{}',
          },
        },
        { Target: { Attribute: 'Tags' } },
        { Target: { Attribute: 'Tags' } },
      ],
    }),
  ).toEqual({
    action: 'Modify',
    resource: 'Function',
    type: 'AWS::Lambda::Function',
    replaced: 'perhaps',
    properties: ['MemorySize: 1769 → 3008', 'Environment', 'Tags'],
    marks: [],
  })
})

it('marks what changes permissions, and what opens the endpoint to everyone', () => {
  const marks = (ResourceType: string, open: boolean, more: ResourceChange = {}) =>
    planned({ ...named, ResourceType, ...more }, open)?.marks
  expect(marks('AWS::IAM::Role', true)).toEqual(['permissions'])
  expect(marks('AWS::Lambda::Permission', false)).toEqual(['permissions'])
  expect(marks('AWS::Lambda::Permission', true)).toEqual(['permissions', 'public'])
  expect(marks('AWS::Lambda::Url', true, { Action: 'Remove' })).toEqual(['permissions'])
  expect(
    marks('AWS::Lambda::Url', false, {
      Details: [
        { Target: { Name: 'AuthType', Attribute: 'Properties', BeforeValue: 'AWS_IAM', AfterValue: 'NONE' } },
      ],
    }),
  ).toEqual(['permissions', 'public'])
  expect(marks('AWS::CloudWatch::Alarm', true)).toEqual([])
})
