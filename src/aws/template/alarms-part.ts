import { METRICS_NAMESPACE } from '../function/metrics-namespace.ts'
import { att, type Resource, ref, sub, type Value, when } from './cloudformation.ts'

export const FIVE_MINUTES = 300
/** Percent of the time limit; a call that comes so close to it is ended by it on a bad day. */
const SLOW = 50
/** Percent of calls. Direct calls that callers get wrong end in an error too, so single ones say nothing. */
const ERROR_RATE = 10
const LEAST_ERRORS = 3

interface Metric {
  namespace: string
  name: string
  dimension: readonly [name: string, value: Value]
  statistic: string
}

interface Alarm {
  description: string
  /** One metric, or metrics by the names that the expression has for them. */
  of: Metric | { expression: Value; label: string; metrics: Record<string, Metric> }
  threshold: number
  /** Periods that have to be bad, of the last ones. */
  bad: readonly [number, number]
  condition?: string
}

const dimensions = ([Name, value]: Metric['dimension']): Value => [{ Name, Value: value }]

function measured(of: Alarm['of']): Record<string, Value> {
  if (!('metrics' in of)) {
    return {
      Namespace: of.namespace,
      MetricName: of.name,
      Dimensions: dimensions(of.dimension),
      Statistic: of.statistic,
      Period: FIVE_MINUTES,
    }
  }
  const parts = Object.entries(of.metrics).map(([Id, { namespace, name, dimension, statistic }]) => ({
    Id,
    ReturnData: false,
    MetricStat: {
      Metric: { Namespace: namespace, MetricName: name, Dimensions: dimensions(dimension) },
      Period: FIVE_MINUTES,
      Stat: statistic,
    },
  }))
  return {
    Metrics: [{ Id: 'result', Expression: of.expression, Label: of.label, ReturnData: true }, ...parts],
  }
}

export const alarm = ({ description, of, threshold, bad, condition = 'IsWatched' }: Alarm): Resource => ({
  Type: 'AWS::CloudWatch::Alarm',
  Condition: condition,
  Properties: {
    AlarmDescription: description,
    ...measured(of),
    DatapointsToAlarm: bad[0],
    EvaluationPeriods: bad[1],
    Threshold: threshold,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    // An idle service reports nothing, which is not a fault.
    TreatMissingData: 'notBreaching',
    AlarmActions: when('HasTopic', [ref('AlarmTopicArn')]),
    OKActions: when('HasTopic', [ref('AlarmTopicArn')]),
  },
})

export const functionMetric =
  (logicalId: string) =>
  (name: string, statistic = 'Sum'): Metric => ({
    namespace: 'AWS/Lambda',
    name,
    dimension: ['FunctionName', ref(logicalId)],
    statistic,
  })
const main = functionMetric('Function')
export const queueMetric = (logicalId: string, name: string, statistic = 'Maximum'): Metric => ({
  namespace: 'AWS/SQS',
  name,
  dimension: ['QueueName', att(logicalId, 'QueueName')],
  statistic,
})

export const alarmResources: Record<string, Resource> = {
  ErrorsAlarm: alarm({
    description: `${ERROR_RATE} % of calls, and ${LEAST_ERRORS} at least, ended in an error: crashes, time limits, too little memory, or direct calls that are wrong.`,
    of: {
      expression: `IF(errors >= ${LEAST_ERRORS}, 100 * errors / calls, 0)`,
      label: 'Errors in percent of calls',
      metrics: { errors: main('Errors'), calls: main('Invocations') },
    },
    threshold: ERROR_RATE,
    bad: [2, 3],
  }),
  FaultsAlarm: alarm({
    description: 'Requests were answered with a status of 500 or above.',
    of: {
      namespace: METRICS_NAMESPACE,
      name: 'Faults',
      dimension: ['service', ref('AWS::StackName')],
      statistic: 'Sum',
    },
    threshold: 1,
    bad: [1, 1],
  }),
  ThrottlesAlarm: alarm({
    description: 'Calls were refused because no environment was free.',
    of: main('Throttles'),
    threshold: 1,
    bad: [2, 2],
  }),
  SlowAlarm: alarm({
    description: `One call in a hundred takes ${SLOW} % of the time limit or more.`,
    of: {
      expression: sub(`100 * duration / (1000 * \${Timeout})`),
      label: 'Duration in percent of the time limit',
      metrics: { duration: main('Duration', 'p99') },
    },
    threshold: SLOW,
    bad: [3, 3],
  }),
}
