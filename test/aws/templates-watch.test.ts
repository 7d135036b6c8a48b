import { afterEach, describe, expect, it, vi } from 'vitest'
import { CHOSEN, EVERYTHING, WITH_JOBS } from './templates-choices.ts'
import { type Facts, STACK } from './templates-facts.ts'
import { cloudFormationFacts } from './templates-forms.ts'
import { emittedMetrics } from './templates-metrics.ts'

afterEach(() => vi.restoreAllMocks())

type Metric = [namespace: string, name: string, dimension: string, value: string]
interface Widget {
  properties: { title: string; metrics: [...Metric, { stat: string }][] }
}
const widgets = (facts: Facts): Widget[] => JSON.parse(String(facts.Dashboard?.DashboardBody)).widgets
const shown = (facts: Facts): Metric[] =>
  widgets(facts).flatMap(({ properties }) => properties.metrics.map((metric) => metric.slice(0, 4) as Metric))

interface AlarmFacts {
  Namespace: string
  MetricName: string
  Dimensions: { Name: string; Value: string }[]
}
function watched(alarm: Record<string, unknown>): Metric[] {
  const metrics = alarm.Metrics as { MetricStat?: { Metric: AlarmFacts } }[] | undefined
  const plain = metrics?.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]))
  return (plain ?? [alarm as unknown as AlarmFacts]).map(
    ({ Namespace, MetricName, Dimensions: [{ Name, Value } = { Name: '', Value: '' }] }): Metric => [
      Namespace,
      MetricName,
      Name,
      Value,
    ],
  )
}
const alarms = (facts: Facts) => Object.entries(facts).filter(([name]) => name.endsWith('Alarm'))

const bad = (points: number, periods: number, Threshold: number) => ({
  DatapointsToAlarm: String(points),
  EvaluationPeriods: String(periods),
  Threshold: String(Threshold),
  ComparisonOperator: 'GreaterThanOrEqualToThreshold',
  TreatMissingData: 'notBreaching',
})
const plain = (Namespace: string, MetricName: string, Name: string, Value: string, Statistic: string) => ({
  Namespace,
  MetricName,
  Dimensions: [{ Name, Value }],
  Statistic,
  Period: '300',
})

describe('alarms', () => {
  const facts = cloudFormationFacts({ ...CHOSEN, Timeout: 8 })

  it.each([
    ['FaultsAlarm', plain('Boxlet', 'Faults', 'service', STACK, 'Sum'), bad(1, 1, 1)],
    ['ThrottlesAlarm', plain('AWS/Lambda', 'Throttles', 'FunctionName', '<Function>', 'Sum'), bad(2, 2, 1)],
    ['WorkerErrorsAlarm', plain('AWS/Lambda', 'Errors', 'FunctionName', '<Worker>', 'Sum'), bad(1, 1, 1)],
    [
      'WorkerThrottlesAlarm',
      plain('AWS/Lambda', 'Throttles', 'FunctionName', '<Worker>', 'Sum'),
      bad(3, 3, 1),
    ],
    [
      'QueueAgeAlarm',
      plain('AWS/SQS', 'ApproximateAgeOfOldestMessage', 'QueueName', '<Queue.QueueName>', 'Maximum'),
      bad(1, 1, 1440),
    ],
    [
      'DeadLettersAlarm',
      plain(
        'AWS/SQS',
        'ApproximateNumberOfMessagesVisible',
        'QueueName',
        '<DeadLetters.QueueName>',
        'Maximum',
      ),
      bad(1, 1, 1),
    ],
  ])('%s looks at its metric', (name, metric, limits) => {
    const { AlarmDescription: _words, ...alarm } = facts[name] as Record<string, unknown>
    expect(alarm).toEqual({ ...metric, ...limits })
  })

  it('measure errors against calls, so that single wrong direct calls wake nobody', () => {
    expect(watched(facts.ErrorsAlarm!)).toEqual([
      ['AWS/Lambda', 'Errors', 'FunctionName', '<Function>'],
      ['AWS/Lambda', 'Invocations', 'FunctionName', '<Function>'],
    ])
    expect(facts.ErrorsAlarm).toMatchObject({
      Metrics: [{ Expression: 'IF(errors >= 3, 100 * errors / calls, 0)', ReturnData: true }, {}, {}],
      ...bad(2, 3, 10),
    })
  })

  it('measure slowness against the time limit that is set', () => {
    expect(watched(facts.SlowAlarm!)).toEqual([['AWS/Lambda', 'Duration', 'FunctionName', '<Function>']])
    expect(facts.SlowAlarm).toMatchObject({
      Metrics: [{ Expression: '100 * duration / (1000 * 8)' }, { MetricStat: { Stat: 'p99' } }],
      ...bad(3, 3, 50),
    })
  })

  it('are those of the worker only where there is one', () => {
    expect(alarms(cloudFormationFacts({})).map(([name]) => name)).toEqual([
      'ErrorsAlarm',
      'FaultsAlarm',
      'SlowAlarm',
      'ThrottlesAlarm',
    ])
    expect(alarms(facts)).toHaveLength(8)
  })

  it('tell of lost pictures although the clerk takes them out of their queue at once', () => {
    expect(watched(cloudFormationFacts(WITH_JOBS).LostPicturesAlarm!)).toEqual([
      ['AWS/SQS', 'NumberOfMessagesReceived', 'QueueName', '<DeadLetters.QueueName>'],
    ])
    expect(facts.LostPicturesAlarm).toBeUndefined()
  })

  it('tell a topic where there is one', () => {
    for (const [, alarm] of alarms(cloudFormationFacts(EVERYTHING))) {
      expect(alarm).toMatchObject({
        AlarmActions: [EVERYTHING.AlarmTopicArn],
        OKActions: [EVERYTHING.AlarmTopicArn],
      })
    }
    for (const [, alarm] of alarms(facts)) {
      expect(alarm.AlarmActions).toBeUndefined()
    }
  })
})

describe('alarms and dashboard', () => {
  it('look only at metrics that the function writes, where it writes them', async () => {
    const { namespace, dimensions, names } = await emittedMetrics('longest')
    const facts = cloudFormationFacts(CHOSEN)
    const own = [...alarms(facts).flatMap(([, alarm]) => watched(alarm)), ...shown(facts)].filter(
      ([space]) => !space.startsWith('AWS/'),
    )
    expect(own.length).toBeGreaterThan(10)
    for (const [space, name, dimension, value] of own) {
      expect([space, { [dimension]: value }]).toEqual([namespace, dimensions])
      expect([...names]).toContain(name)
    }
  })

  it('are not there where they are not wanted', () => {
    const names = Object.keys(cloudFormationFacts({ ...CHOSEN, Watch: 'none' }))
    expect(names.filter((name) => /Alarm|Dashboard/.test(name))).toEqual([])
  })
})

describe('the dashboard', () => {
  const titles = (chosen: Record<string, string>) =>
    widgets(cloudFormationFacts(chosen)).map(({ properties }) => properties.title)

  it('shows the worker, its queue and its dead letters where there are any', () => {
    const only = titles(CHOSEN).filter((title) => !titles({}).includes(title))
    expect(only).toEqual(['Batches of pictures', 'Pictures that wait', 'Longest wait'])
    const metrics = shown(cloudFormationFacts(CHOSEN)).map((metric) => metric.join(' '))
    for (const metric of [
      'AWS/Lambda Errors FunctionName test-worker',
      'AWS/Lambda Throttles FunctionName test-worker',
      'AWS/SQS ApproximateNumberOfMessagesVisible QueueName <Queue.QueueName>',
      'AWS/SQS ApproximateNumberOfMessagesVisible QueueName <DeadLetters.QueueName>',
      'AWS/SQS ApproximateAgeOfOldestMessage QueueName <Queue.QueueName>',
    ]) {
      expect(metrics).toContain(metric)
    }
  })

  it('shows requests, times, starts and environments of the stack', () => {
    expect(titles({})).toEqual([
      'Requests',
      'Time of a request',
      'Where the time goes',
      'Cold starts',
      'Where a start goes',
      'Environments and detections',
    ])
    expect(shown(cloudFormationFacts({})).every(([, , , value]) => value === STACK)).toBe(true)
  })
})
