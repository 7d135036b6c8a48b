import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'

const SCHEME = 'aws://'

export const isStackAddress = (store: string): boolean => store.toLowerCase().startsWith(SCHEME)

/**
 * Reads `aws://STACK`, or `aws://STACK?region=eu-west-1`.
 *
 * @throws BoxletError USAGE
 */
export function parseStackAddress(store: string): { stack: string; region?: string } {
  const match = /^aws:\/\/([A-Za-z][A-Za-z0-9-]{0,127})\/?(?:\?region=([a-z0-9-]{1,30}))?$/i.exec(store)
  if (match === null) {
    throw new BoxletError(
      'USAGE',
      'Expected aws://STACK or aws://STACK?region=REGION but received another form.',
      {
        hint: 'STACK is the name that "boxlet deploy --async" has used.',
      },
    )
  }
  return { stack: match[1]!, ...defined({ region: match[2] }) }
}
