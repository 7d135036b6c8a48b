/** Jobs: a table, a queue for what there is to do besides pictures, a function that does it, and a bus for what happened. */
import { TABLE_DEFINITION, TTL_ATTRIBUTE } from '../../jobs/table-definition.ts'
import { alarm, functionMetric, queueMetric } from '../alarms-part.ts'
import {
  all,
  allow,
  any,
  att,
  equals,
  filled,
  list,
  named,
  type Resource,
  ref,
  sub,
  type Value,
  when,
} from '../cloudformation.ts'
import { functionProperties, logGroup, variables } from '../function-part.ts'
import { choice } from '../parameter.ts'
import type { TemplatePart } from '../part.ts'
import { role } from '../role-part.ts'
import { functionLine, widget } from '../widgets.ts'
import { CLERK_VARIABLES, statementsFor } from './jobs-access.ts'
import { RETENTION } from './queue-times.ts'

const CLERK = `\${AWS::StackName}-clerk`
/** Seconds. A part of a list takes a few, and a receiver of a webhook has ten. */
const CLERK_TIMEOUT = 120
const VISIBILITY = 6 * CLERK_TIMEOUT
/** Every try of a webhook is a receive. */
const MAX_TRIES = 13
/** Lists are read by one at a time, and webhooks hold no processor. */
const CLERK_CONCURRENCY = 5
const CLERK_MEMORY = 512

const runs = (resource: Resource): Resource => ({ ...resource, Condition: 'RunsJobs' })
const there = (resource: Resource): Resource => ({ ...resource, Condition: 'HasJobs' })

const clerk = functionMetric('Clerk')

const resources: Record<string, Resource> = {
  // Jobs outlive the stack, as pictures do, but not a first deployment that failed.
  JobTable: there({
    Type: 'AWS::DynamoDB::Table',
    DeletionPolicy: 'RetainExceptOnCreate',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      ...(TABLE_DEFINITION as unknown as Record<string, Value>),
      TimeToLiveSpecification: { AttributeName: TTL_ATTRIBUTE, Enabled: true },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: when('RecoversJobs', true, false) },
    },
  }),
  DeadChores: there({
    Type: 'AWS::SQS::Queue',
    Properties: { MessageRetentionPeriod: RETENTION, SqsManagedSseEnabled: true },
  }),
  Chores: there({
    Type: 'AWS::SQS::Queue',
    Properties: {
      VisibilityTimeout: VISIBILITY,
      MessageRetentionPeriod: RETENTION,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { deadLetterTargetArn: att('DeadChores', 'Arn'), maxReceiveCount: MAX_TRIES },
    },
  }),
  JobBus: there({ Type: 'AWS::Events::EventBus', Properties: { Name: sub(`\${AWS::StackName}-jobs`) } }),
  ClerkLogGroup: runs(logGroup(sub(`/aws/lambda/${CLERK}`))),
  ClerkRole: runs(
    role(CLERK, 'ClerkLogGroup', [
      ...statementsFor('clerk'),
      when('HasPictures', allow(['s3:GetObject', 's3:GetObjectVersion'], list('PictureArns'))),
    ]),
  ),
  Clerk: runs({
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: sub(CLERK),
      Description: 'Reads lists of pictures, tells of jobs that have ended, delivers webhooks.',
      ...functionProperties('ClerkLogGroup'),
      MemorySize: CLERK_MEMORY,
      Handler: 'index.handler',
      Role: att('ClerkRole', 'Arn'),
      Timeout: CLERK_TIMEOUT,
      // A long list is read by one call after another.
      RecursiveLoop: 'Allow',
      Environment: {
        Variables: variables({ ...CLERK_VARIABLES, BOXLET_AUTH: 'iam', BOXLET_START: 'without-model' }),
      },
    },
  }),
  ClerkMapping: runs({
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: att('Chores', 'Arn'),
      FunctionName: ref('Clerk'),
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: CLERK_CONCURRENCY },
    },
  }),
  // Whatever a call that died has left undone is found within a minute.
  ClerkSchedule: runs({
    Type: 'AWS::Events::Rule',
    Properties: {
      Description: 'Goes on with jobs whose functions were interrupted.',
      ScheduleExpression: 'rate(1 minute)',
      Targets: [{ Id: 'clerk', Arn: att('Clerk', 'Arn') }],
    },
  }),
  ClerkPermission: runs({
    Type: 'AWS::Lambda::Permission',
    Properties: {
      FunctionName: ref('Clerk'),
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      SourceArn: att('ClerkSchedule', 'Arn'),
    },
  }),
  ClerkErrorsAlarm: alarm({
    description: 'Lists are not read, or ends of jobs not told: the clerk ended without an answer.',
    of: clerk('Errors'),
    threshold: 1,
    bad: [2, 3],
    condition: 'JobsAreWatched',
  }),
  StuckJobsAlarm: alarm({
    description:
      'Lists, webhooks or ends of jobs wait for longer than a second try needs: jobs do not go on.',
    of: queueMetric('Chores', 'ApproximateAgeOfOldestMessage'),
    threshold: 2 * VISIBILITY,
    bad: [1, 1],
    condition: 'JobsAreWatched',
  }),
  // The clerk takes them into the table within a minute, so that they seldom lie in their queue when it is looked at.
  LostPicturesAlarm: alarm({
    description: 'Pictures ended their workers each time: they have failed with JOB_LOST.',
    of: queueMetric('DeadLetters', 'NumberOfMessagesReceived', 'Sum'),
    threshold: 1,
    bad: [1, 1],
    condition: 'JobsAreWatched',
  }),
  DeadChoresAlarm: alarm({
    description: 'Webhooks that nobody took wait among the dead letters.',
    of: queueMetric('DeadChores', 'ApproximateNumberOfMessagesVisible'),
    threshold: 1,
    bad: [1, 1],
    condition: 'JobsAreWatched',
  }),
}

const output = (Description: string, Value: Value) => ({ Description, Condition: 'HasJobs', Value })

const clerkLine = functionLine(CLERK)

export const jobs: TemplatePart = {
  parameters: {
    Jobs: choice(
      'Detection that does not wait. none: none. on: jobs over HTTP, and for pictures that arrive in the bucket. paused: keeps jobs and their results, and works on none.',
      'none',
      'on',
      'paused',
    ),
    JobEvents: choice('What is told on the bus: ends of jobs, or each picture too.', 'jobs', 'pictures'),
    JobResults: choice(
      'Where results of pictures that arrive go besides the table. s3: below results/ too.',
      'none',
      's3',
    ),
    JobRecovery: choice('Point-in-time recovery of the table.', 'false', 'true'),
  },
  conditions: {
    HasJobs: all(filled('DataBucketName'), any(equals(ref('Jobs'), 'on'), equals(ref('Jobs'), 'paused'))),
    JobsPaused: all(filled('DataBucketName'), equals(ref('Jobs'), 'paused')),
    RunsJobs: all(filled('DataBucketName'), equals(ref('Jobs'), 'on')),
    RunsJobsOnPictures: all(named('RunsJobs'), filled('PictureArns')),
    RecoversJobs: equals(ref('JobRecovery'), 'true'),
    JobsAreWatched: all(named('RunsJobs'), named('IsWatched')),
  },
  rules: {
    JobsNeedABucket: {
      RuleCondition: any(equals(ref('Jobs'), 'on'), equals(ref('Jobs'), 'paused')),
      Assertions: [
        {
          Assert: filled('DataBucketName'),
          AssertDescription: 'Jobs need DataBucketName, where their pictures lie.',
        },
      ],
    },
  },
  resources,
  outputs: {
    JobTableName: output('Table of jobs.', ref('JobTable')),
    ChoresUrl: output('Queue of what jobs need besides work on pictures.', ref('Chores')),
    DeadChoresUrl: output('Webhooks that nobody took.', ref('DeadChores')),
    JobBusName: output(
      'Bus with the events JobCompleted, PictureFlagged and PictureDetected.',
      ref('JobBus'),
    ),
    QueueUrl: output('Queue of pictures to work on.', ref('Queue')),
    JobBucketName: output('Bucket that pictures of jobs lie in.', ref('DataBucketName')),
  },
  widgets: {
    condition: 'RunsJobs',
    list: [
      widget(
        'Clerk',
        [0, 3],
        [clerkLine('Invocations', 'Sum'), clerkLine('Errors', 'Sum'), clerkLine('Throttles', 'Sum')],
        'count',
      ),
      widget(
        'Chores that wait',
        [1, 3],
        [
          [
            'AWS/SQS',
            'ApproximateNumberOfMessagesVisible',
            'QueueName',
            `\${ChoresName}`,
            { stat: 'Maximum' },
          ],
        ],
        'count',
      ),
      widget(
        'Table',
        [2, 3],
        [
          ['AWS/DynamoDB', 'ConsumedWriteCapacityUnits', 'TableName', `\${JobTableName}`, { stat: 'Sum' }],
          ['AWS/DynamoDB', 'ConsumedReadCapacityUnits', 'TableName', `\${JobTableName}`, { stat: 'Sum' }],
        ],
        'units',
      ),
    ],
    names: { ChoresName: att('Chores', 'QueueName'), JobTableName: ref('JobTable') },
  },
}
