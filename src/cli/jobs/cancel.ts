import { changeVerb } from './change.ts'

export const verb = changeVerb('cancel', 'Cancel jobs; what is done of them is kept.')
