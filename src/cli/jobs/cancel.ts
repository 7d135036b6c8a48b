import { changeVerb } from './change.ts'

export const verb = changeVerb('cancel', 'Cancel jobs; results so far are kept.')
