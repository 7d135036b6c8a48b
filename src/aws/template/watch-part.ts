import { att, type Resource, ref, sub, type Value, when } from './cloudformation.ts'

const NAMESPACE = 'Boxlet'
const FIVE_MINUTES = 300

interface Alarm {
  description: string
  namespace: string
  metric: string
  dimensions: Record<string, Value>
  statistic: string
  threshold: number
  /** Periods in a row, so that one odd minute wakes nobody. */
  periods: number
  condition?: string
}

function alarm({
  description,
  namespace,
  metric,
  dimensions,
  statistic,
  threshold,
  periods,
  condition,
}: Alarm): Resource {
  return {
    Type: 'AWS::CloudWatch::Alarm',
    ...(condition === undefined ? {} : { Condition: condition }),
    Properties: {
      AlarmDescription: description,
      Namespace: namespace,
      MetricName: metric,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      ...(statistic.startsWith('p') ? { ExtendedStatistic: statistic } : { Statistic: statistic }),
      Period: FIVE_MINUTES,
      EvaluationPeriods: periods,
      Threshold: threshold,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      // An idle service reports nothing, which is not a fault.
      TreatMissingData: 'notBreaching',
      AlarmActions: when('HasTopic', [ref('AlarmTopicArn')]),
      OKActions: when('HasTopic', [ref('AlarmTopicArn')]),
    },
  }
}

const lambda = { namespace: 'AWS/Lambda', dimensions: { FunctionName: ref('Function') } }

export const alarmResources: Record<string, Resource> = {
  ErrorsAlarm: alarm({
    description: 'Calls ended without an answer: crashes, timeouts, too little memory.',
    ...lambda,
    metric: 'Errors',
    statistic: 'Sum',
    threshold: 1,
    periods: 1,
  }),
  FaultsAlarm: alarm({
    description: 'Requests were answered with a status of 500 or above.',
    namespace: NAMESPACE,
    dimensions: { service: ref('AWS::StackName') },
    metric: 'Faults',
    statistic: 'Sum',
    threshold: 1,
    periods: 1,
  }),
  ThrottlesAlarm: alarm({
    description: 'Calls were refused because no environment was free.',
    ...lambda,
    metric: 'Throttles',
    statistic: 'Sum',
    threshold: 1,
    periods: 2,
  }),
  SlowAlarm: alarm({
    description: 'One call in a hundred takes ten seconds or more.',
    ...lambda,
    metric: 'Duration',
    statistic: 'p99',
    threshold: 10_000,
    periods: 3,
  }),
  DeadLettersAlarm: alarm({
    description: 'Pictures could not be worked on and wait among the dead letters.',
    namespace: 'AWS/SQS',
    dimensions: { QueueName: att('DeadLetters', 'QueueName') },
    metric: 'ApproximateNumberOfMessagesVisible',
    statistic: 'Maximum',
    threshold: 1,
    periods: 1,
    condition: 'HasData',
  }),
}

type Metric = (string | { stat: string })[]

const widget = (title: string, x: number, y: number, metrics: Metric[], unit: string): Value => ({
  type: 'metric',
  x,
  y,
  width: 8,
  height: 6,
  properties: {
    title,
    region: `\${AWS::Region}`,
    view: 'timeSeries',
    period: FIVE_MINUTES,
    metrics: metrics as Value[],
    yAxis: { left: { label: unit, showUnits: false, min: 0 } },
  },
})

const own = (name: string, stat: string): Metric => [
  NAMESPACE,
  name,
  'service',
  `\${AWS::StackName}`,
  { stat },
]
const platform = (name: string, stat: string): Metric => [
  'AWS/Lambda',
  name,
  'FunctionName',
  `\${AWS::StackName}`,
  { stat },
]

const widgets = [
  widget(
    'Requests',
    0,
    0,
    [own('Requests', 'Sum'), own('Faults', 'Sum'), platform('Throttles', 'Sum')],
    'count',
  ),
  widget('Time of a request', 8, 0, [own('Duration', 'p50'), own('Duration', 'p99')], 'ms'),
  widget(
    'Where the time goes',
    16,
    0,
    ['Decode', 'Prepare', 'Run', 'Boxes'].map((name) => own(name, 'p50')),
    'ms',
  ),
  widget('Cold starts', 0, 6, [own('ColdStarts', 'Sum')], 'count'),
  widget(
    'Where a start goes',
    8,
    6,
    ['InitTotal', 'InitDecoder', 'InitSession', 'InitFetch', 'InitWarmUp'].map((name) => own(name, 'p50')),
    'ms',
  ),
  widget(
    'Environments and detections',
    16,
    6,
    [platform('ConcurrentExecutions', 'Maximum'), own('Detections', 'Sum')],
    'count',
  ),
]

export const dashboardResources: Record<string, Resource> = {
  Dashboard: {
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: {
      DashboardName: sub(`\${AWS::StackName}-\${AWS::Region}`),
      DashboardBody: sub(JSON.stringify({ widgets })),
    },
  },
}
