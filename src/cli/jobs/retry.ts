import { changeVerb } from './change.ts'

export const verb = changeVerb('retry', 'Retry the failed and cancelled pictures of jobs.')
