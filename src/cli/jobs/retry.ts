import { changeVerb } from './change.ts'

export const verb = changeVerb('retry', 'Try what failed or was cancelled of jobs again.')
