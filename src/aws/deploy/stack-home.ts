import { BoxletError } from '../../errors.ts'
import { EVENT_KINDS } from '../../jobs/event-bus.ts'
import { parseStackAddress } from '../jobs/address.ts'
import { type AwsJobHome, openAwsHome } from '../jobs/home.ts'
import { openSession } from './session.ts'
import { describeStack, outputsOf } from './stack.ts'

/**
 * The jobs of a deployed stack, with the rights of whoever calls.
 *
 * @param store `aws://STACK`
 * @throws BoxletError USAGE, FORBIDDEN
 */
export async function openStackHome(store: string): Promise<AwsJobHome> {
  const { stack, region } = parseStackAddress(store)
  const session = await openSession(region)
  const outputs = outputsOf(await describeStack(session, stack))
  const place = (name: string): string => {
    const value = outputs[name]
    if (value === undefined) {
      throw new BoxletError(
        'USAGE',
        `Expected a stack with jobs but ${stack} has none in ${session.region}.`,
        {
          hint: `Run "boxlet deploy --stack ${stack} --async", or name the region: ${store}?region=REGION.`,
        },
      )
    }
    return value
  }
  return openAwsHome(
    {
      table: place('JobTableName'),
      pictures: place('QueueUrl'),
      deadPictures: place('DeadLettersUrl'),
      chores: place('ChoresUrl'),
      deadChores: place('DeadChoresUrl'),
      bus: place('JobBusName'),
      bucket: place('JobBucketName'),
      region: session.region,
    },
    EVENT_KINDS.filter((kind) => kind !== 'picture.finished'),
  )
}
