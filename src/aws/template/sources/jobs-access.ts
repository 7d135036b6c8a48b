/** What the functions of a stack need for jobs: variables, and what each may do. */
import { JOBS_PREFIX } from '../../jobs/own-blobs.ts'
import { PLACE_VARIABLES } from '../../jobs/places.ts'
import { allow, att, list, ref, sub, type Value, when } from '../cloudformation.ts'

const runs = (value: Value): Value => when('RunsJobs', value)

/** For a function that is there only with jobs. */
export const CLERK_VARIABLES: Record<string, Value> = {
  [PLACE_VARIABLES.table]: ref('JobTable'),
  [PLACE_VARIABLES.pictures]: ref('Queue'),
  [PLACE_VARIABLES.deadPictures]: ref('DeadLetters'),
  [PLACE_VARIABLES.chores]: ref('Chores'),
  [PLACE_VARIABLES.deadChores]: ref('DeadChores'),
  [PLACE_VARIABLES.bucket]: ref('DataBucketName'),
  [PLACE_VARIABLES.bus]: ref('JobBus'),
  BOXLET_JOBS_EVENTS: ref('JobEvents'),
  BOXLET_JOBS_RESULTS: ref('JobResults'),
}

/** None of them where there are no jobs. */
export const JOBS_VARIABLES: Record<string, Value> = Object.fromEntries(
  Object.entries(CLERK_VARIABLES).map(([name, value]) => [name, runs(value)]),
)

const READ = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query']
/** Transactions need the rights of the writes in them, and none of their own. */
const WRITE = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:BatchWriteItem']
const TAKE = ['sqs:ReceiveMessage', 'sqs:DeleteMessage']

const table = allow([...READ, ...WRITE], [
  att('JobTable', 'Arn'),
  sub(`\${Table}/index/*`, { Table: att('JobTable', 'Arn') }),
] as Value)
const inBucket = (path: string): Value => sub(`arn:\${AWS::Partition}:s3:::\${DataBucketName}/${path}`)
const ownObjects = allow(['s3:GetObject', 's3:PutObject'], inBucket(`${JOBS_PREFIX}*`))
const events = allow(['events:PutEvents'], att('JobBus', 'Arn'))

const STATEMENTS = {
  // Accepts, shows, cancels and redrives; gives out forms for pictures, which have the rights of whoever signs them.
  http: [
    table,
    ownObjects,
    allow(['s3:PutObject'], inBucket('incoming/uploads/*')),
    // Lists are copied, and prefixes listed; pictures that others have sent are not among them.
    allow(['s3:GetObject'], inBucket('lists/*')),
    allow(['s3:ListBucket'], sub(`arn:\${AWS::Partition}:s3:::\${DataBucketName}`), {
      StringLike: { 's3:prefix': 'pictures/*' },
    }),
    allow(['sqs:SendMessage'], [att('Queue', 'Arn'), att('Chores', 'Arn')] as Value),
    allow(TAKE, att('DeadLetters', 'Arn')),
  ],
  // Its own queue it may read anyway; a picture that it has no time for is sent anew.
  worker: [
    table,
    ownObjects,
    allow(['s3:GetObject', 's3:GetObjectVersion'], inBucket('pictures/*')),
    events,
    allow(['sqs:SendMessage'], [att('Queue', 'Arn'), att('Chores', 'Arn')] as Value),
    when('RunsJobsOnPictures', allow(['s3:GetObject', 's3:GetObjectVersion'], list('PictureArns'))),
  ],
  clerk: [
    table,
    ownObjects,
    events,
    allow(['s3:PutObject'], inBucket('results/*')),
    allow(['sqs:SendMessage'], [att('Queue', 'Arn'), att('Chores', 'Arn')] as Value),
    allow([...TAKE, 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'], [
      att('Chores', 'Arn'),
      att('DeadChores', 'Arn'),
      att('DeadLetters', 'Arn'),
    ] as Value),
  ],
} as const satisfies Record<string, readonly Value[]>

/** Statements of one function; none where there are no jobs, without which there is no clerk. */
export const statementsFor = (name: keyof typeof STATEMENTS): Value[] =>
  name === 'clerk' ? [...STATEMENTS[name]] : STATEMENTS[name].map(runs)
