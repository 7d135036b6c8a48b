import { METRICS_NAMESPACE } from '../function/telemetry.ts'
import { FIVE_MINUTES } from './alarms-part.ts'
import { att, type Resource, sub, type Value, when } from './cloudformation.ts'

type Metric = (string | { stat: string; label?: string })[]

const widget = (title: string, [column, row]: [number, number], metrics: Metric[], unit: string): Value => ({
  type: 'metric',
  x: 8 * column,
  y: 6 * row,
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
  METRICS_NAMESPACE,
  name,
  'service',
  `\${AWS::StackName}`,
  { stat },
]
const platform =
  (functionName: string) =>
  (name: string, stat: string): Metric => ['AWS/Lambda', name, 'FunctionName', functionName, { stat }]
const main = platform(`\${AWS::StackName}`)
const worker = platform(`\${AWS::StackName}-worker`)
const queue = (name: 'Queue' | 'DeadLetters', metric: string, label: string): Metric => [
  'AWS/SQS',
  metric,
  'QueueName',
  `\${${name}Name}`,
  { stat: 'Maximum', label },
]

const widgets = [
  widget(
    'Requests',
    [0, 0],
    [own('Requests', 'Sum'), own('Faults', 'Sum'), main('Throttles', 'Sum')],
    'count',
  ),
  widget('Time of a request', [1, 0], [own('Duration', 'p50'), own('Duration', 'p99')], 'ms'),
  widget(
    'Where the time goes',
    [2, 0],
    ['Decode', 'Prepare', 'Run', 'Boxes'].map((name) => own(name, 'p50')),
    'ms',
  ),
  widget('Cold starts', [0, 1], [own('ColdStarts', 'Sum')], 'count'),
  widget(
    'Where a start goes',
    [1, 1],
    ['InitTotal', 'InitDecoder', 'InitSession', 'InitFetch', 'InitWarmUp'].map((name) => own(name, 'p50')),
    'ms',
  ),
  widget(
    'Environments and detections',
    [2, 1],
    [main('ConcurrentExecutions', 'Maximum'), own('Detections', 'Sum')],
    'count',
  ),
]

const dataWidgets = [
  widget(
    'Batches of pictures',
    [0, 2],
    [worker('Invocations', 'Sum'), worker('Errors', 'Sum'), worker('Throttles', 'Sum')],
    'count',
  ),
  widget(
    'Pictures that wait',
    [1, 2],
    [
      queue('Queue', 'ApproximateNumberOfMessagesVisible', 'waiting'),
      queue('DeadLetters', 'ApproximateNumberOfMessagesVisible', 'dead letters'),
    ],
    'count',
  ),
  widget('Longest wait', [2, 2], [queue('Queue', 'ApproximateAgeOfOldestMessage', 'oldest')], 's'),
]

/** The widgets of the data bucket, each behind a comma, or nothing: what is joined are texts of JSON. */
const whereThereIsData = when(
  'HasData',
  sub(dataWidgets.map((one) => `,${JSON.stringify(one)}`).join(''), {
    QueueName: att('Queue', 'QueueName'),
    DeadLettersName: att('DeadLetters', 'QueueName'),
  }),
  '',
)

export const dashboardResources: Record<string, Resource> = {
  Dashboard: {
    Type: 'AWS::CloudWatch::Dashboard',
    Condition: 'IsWatched',
    Properties: {
      DashboardName: sub(`\${AWS::StackName}-\${AWS::Region}`),
      DashboardBody: sub(JSON.stringify({ widgets }).replace(/\]\}$/, `\${DataWidgets}]}`), {
        DataWidgets: whereThereIsData,
      }),
    },
  },
}
