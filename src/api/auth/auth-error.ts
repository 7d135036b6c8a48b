import { BoxletError } from '../../errors.ts'

/** `aws` is the exception that an AWS client expects for the same reason. */
export const authError = (aws: string, message: string): BoxletError =>
  new BoxletError('UNAUTHENTICATED', message, {
    hint: 'Keys are made with "boxlet keys create".',
    details: { aws },
  })
