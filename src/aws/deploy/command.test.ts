import { expect, it } from 'vitest'
import { commandFor } from './command.ts'

it('names the stack, and the region where it was given', () => {
  expect(commandFor({}, 'logs', 'fridge')).toBe('boxlet logs --stack fridge')
  expect(commandFor({ givenRegion: 'us-east-1' }, 'destroy', 'fridge', '--data')).toBe(
    'boxlet destroy --stack fridge --region us-east-1 --data',
  )
})
