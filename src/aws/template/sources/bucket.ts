/** Pictures that arrive in a bucket go through a queue to a function of their own, and results go back. */
import { BLOB_RULE, JOB_BLOB_DAYS, JOBS_PREFIX } from '../../jobs/own-blobs.ts'
import { alarm, functionMetric, queueMetric } from '../alarms-part.ts'
import {
  all,
  allow,
  att,
  deny,
  equals,
  filled,
  named,
  type Resource,
  ref,
  sub,
  type Value,
  when,
} from '../cloudformation.ts'
import { functionProperties, logGroup, variables } from '../function-part.ts'
import { choice, number, optional } from '../parameter.ts'
import type { TemplatePart } from '../part.ts'
import { role } from '../role-part.ts'
import { functionLine, type Line, widget } from '../widgets.ts'
import { JOBS_VARIABLES, statementsFor } from './jobs-access.ts'
import { RETENTION } from './queue-times.ts'

const WORKER = `\${AWS::StackName}-worker`
/** Seconds for a batch of pictures. */
const WORKER_TIMEOUT = 120
/** Six times the timeout, as AWS recommends: a message must not come back while it is still being worked on. */
const VISIBILITY = 6 * WORKER_TIMEOUT
/**
 * AWS asks for five at least: batches that were throttled, and messages that their batch had no time for, count as
 * received too. Source: Lambda developer guide, "Configuring a queue to use with Lambda".
 */
const MAX_TRIES = 5
/** Pictures that come in are detected, results go out; the two prefixes never overlap. */
export const INCOMING = 'incoming/'
const RESULTS = 'results/'

export const BATCH = 10

const only = (resource: Resource): Resource => ({ ...resource, Condition: 'HasData' })
const bucketArn = (path = ''): Value => sub(`arn:\${AWS::Partition}:s3:::\${DataBucketName}${path}`)

/** A service may put messages into the queue when it speaks for one bucket or rule of this account. */
const mayTell = (service: string, source: Value): Value => ({
  Effect: 'Allow',
  Principal: { Service: service },
  Action: 'sqs:SendMessage',
  Resource: att('Queue', 'Arn'),
  Condition: {
    ArnEquals: { 'aws:SourceArn': source },
    StringEquals: { 'aws:SourceAccount': ref('AWS::AccountId') },
  },
})

const worker = functionMetric('Worker')

const resources: Record<string, Resource> = {
  DeadLetters: only({
    Type: 'AWS::SQS::Queue',
    Properties: { MessageRetentionPeriod: RETENTION, SqsManagedSseEnabled: true },
  }),
  Queue: only({
    Type: 'AWS::SQS::Queue',
    Properties: {
      VisibilityTimeout: VISIBILITY,
      MessageRetentionPeriod: RETENTION,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { deadLetterTargetArn: att('DeadLetters', 'Arn'), maxReceiveCount: MAX_TRIES },
    },
  }),
  QueuePolicy: only({
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [ref('Queue')],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          mayTell('s3.amazonaws.com', bucketArn()),
          when('TakesBucket', mayTell('events.amazonaws.com', att('Arrivals', 'Arn'))),
        ],
      },
    },
  }),
  DataBucket: {
    Type: 'AWS::S3::Bucket',
    Condition: 'MakesBucket',
    DependsOn: ['QueuePolicy'],
    // Pictures and results outlive the stack, but an empty bucket of a first deployment that failed would only
    // stand in the way of the next one.
    DeletionPolicy: 'RetainExceptOnCreate',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      BucketName: ref('DataBucketName'),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      // Parts of an upload that was broken off are seen by nobody and billed for ever.
      LifecycleConfiguration: {
        Rules: [
          {
            Id: 'unfinished-uploads',
            Status: 'Enabled',
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
          },
          { Id: BLOB_RULE, Status: 'Enabled', Prefix: JOBS_PREFIX, ExpirationInDays: JOB_BLOB_DAYS },
        ],
      },
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Event: 's3:ObjectCreated:*',
            Queue: att('Queue', 'Arn'),
            Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: INCOMING }] } },
          },
        ],
      },
    },
  },
  DataBucketPolicy: {
    Type: 'AWS::S3::BucketPolicy',
    Condition: 'MakesBucket',
    Properties: {
      Bucket: ref('DataBucket'),
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            ...(deny(['s3:*'], [bucketArn(), bucketArn('/*')], {
              Bool: { 'aws:SecureTransport': 'false' },
            }) as Record<string, Value>),
            Principal: '*',
          },
        ],
      },
    },
  },
  // The settings of a bucket that exists are its owner's. S3 tells EventBridge once they say so.
  Arrivals: {
    Type: 'AWS::Events::Rule',
    Condition: 'TakesBucket',
    Properties: {
      Description: 'Pictures that arrive for Boxlet.',
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: {
          bucket: { name: [ref('DataBucketName')] },
          object: { key: [{ prefix: INCOMING }] },
        },
      },
      Targets: [{ Id: 'queue', Arn: att('Queue', 'Arn') }],
    },
  },
  WorkerLogGroup: only(logGroup(sub(`/aws/lambda/${WORKER}`))),
  WorkerRole: only(
    role(WORKER, 'WorkerLogGroup', [
      allow(['s3:GetObject', 's3:GetObjectVersion'], bucketArn(`/${INCOMING}*`)),
      // Without it S3 answers 403 for a picture that is gone, which looks as if another try could help.
      allow(['s3:ListBucket'], bucketArn()),
      // Read too: a result that lies there may be of a later version of the picture.
      allow(['s3:PutObject', 's3:GetObject'], bucketArn(`/${RESULTS}*`)),
      allow(
        [
          'sqs:ReceiveMessage',
          'sqs:DeleteMessage',
          'sqs:GetQueueAttributes',
          // What a batch has no time for comes again at once.
          'sqs:ChangeMessageVisibility',
        ],
        att('Queue', 'Arn'),
      ),
      ...statementsFor('worker'),
    ]),
  ),
  Worker: only({
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: sub(WORKER),
      Description: 'Detects in pictures that arrive in S3.',
      ...functionProperties('WorkerLogGroup'),
      Handler: 'index.handler',
      Role: att('WorkerRole', 'Arn'),
      Timeout: WORKER_TIMEOUT,
      // A picture that waits for a fault to pass is sent anew, which Lambda would take for a loop after 16 rounds.
      RecursiveLoop: when('RunsJobs', 'Allow'),
      Environment: {
        Variables: variables({ ...JOBS_VARIABLES, BOXLET_AUTH: 'iam', BOXLET_RESULT_PREFIX: RESULTS }),
      },
    },
  }),
  WorkerMapping: only({
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: att('Queue', 'Arn'),
      FunctionName: ref('Worker'),
      BatchSize: BATCH,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      // What waits is not lost while jobs are paused, and would be where a worker without jobs received it.
      Enabled: when('JobsPaused', false),
      ScalingConfig: { MaximumConcurrency: ref('WorkerConcurrency') },
    },
  }),
  WorkerErrorsAlarm: alarm({
    description: 'Batches of pictures ended without an answer: crashes, time limits, too little memory.',
    of: worker('Errors'),
    threshold: 1,
    bad: [1, 1],
    condition: 'DataIsWatched',
  }),
  WorkerThrottlesAlarm: alarm({
    description: 'Batches of pictures wait because no environment is free.',
    of: worker('Throttles'),
    threshold: 1,
    bad: [3, 3],
    condition: 'DataIsWatched',
  }),
  QueueAgeAlarm: alarm({
    description: 'A picture waits for longer than a second try needs.',
    of: queueMetric('Queue', 'ApproximateAgeOfOldestMessage'),
    threshold: 2 * VISIBILITY,
    bad: [1, 1],
    condition: 'DataIsWatched',
  }),
  DeadLettersAlarm: alarm({
    description: 'Pictures could not be worked on and wait among the dead letters.',
    of: queueMetric('DeadLetters', 'ApproximateNumberOfMessagesVisible'),
    threshold: 1,
    bad: [1, 1],
    condition: 'DataIsWatched',
  }),
}

const outputs: TemplatePart['outputs'] = {
  // Only a bucket that the stack made, since what names it here may be deleted with the stack.
  DataBucketName: {
    Description: 'Put pictures below incoming/, find results below results/.',
    Condition: 'MakesBucket',
    Value: ref('DataBucket'),
  },
  QueueArn: {
    Description: 'Queue of pictures to work on.',
    Condition: 'HasData',
    Value: att('Queue', 'Arn'),
  },
  DeadLettersUrl: {
    Description: 'Messages that failed five times.',
    Condition: 'HasData',
    Value: ref('DeadLetters'),
  },
}

const workerLine = functionLine(WORKER)
const queueLine = (name: 'Queue' | 'DeadLetters', metric: string, label: string): Line => [
  'AWS/SQS',
  metric,
  'QueueName',
  `\${${name}Name}`,
  { stat: 'Maximum', label },
]

const widgets = [
  widget(
    'Batches of pictures',
    [0, 2],
    [workerLine('Invocations', 'Sum'), workerLine('Errors', 'Sum'), workerLine('Throttles', 'Sum')],
    'count',
  ),
  widget(
    'Pictures that wait',
    [1, 2],
    [
      queueLine('Queue', 'ApproximateNumberOfMessagesVisible', 'waiting'),
      queueLine('DeadLetters', 'ApproximateNumberOfMessagesVisible', 'dead letters'),
    ],
    'count',
  ),
  widget('Longest wait', [2, 2], [queueLine('Queue', 'ApproximateAgeOfOldestMessage', 'oldest')], 's'),
]

export const bucket: TemplatePart = {
  parameters: {
    DataBucketName: optional(
      'Bucket of pictures: those below incoming/ get results below results/. Empty: none.',
      '[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]',
    ),
    CreateDataBucket: choice(
      'true: makes that bucket. false: takes one that exists, such as one that a deleted stack left. Its owner then has to turn on EventBridge for the bucket, or send s3:ObjectCreated:* below incoming/ to the queue in the output QueueArn, and with jobs let objects below jobs/ expire after 35 days.',
      'true',
      'false',
    ),
    WorkerConcurrency: number('Environments at once that work on pictures of that bucket.', 10, 2, 1000),
  },
  conditions: {
    HasData: filled('DataBucketName'),
    MakesBucket: all(named('HasData'), equals(ref('CreateDataBucket'), 'true')),
    TakesBucket: all(named('HasData'), equals(ref('CreateDataBucket'), 'false')),
    DataIsWatched: all(named('HasData'), named('IsWatched')),
  },
  resources,
  outputs,
  widgets: {
    condition: 'HasData',
    list: widgets,
    names: { QueueName: att('Queue', 'QueueName'), DeadLettersName: att('DeadLetters', 'QueueName') },
  },
}
