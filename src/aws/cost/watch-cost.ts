/** What CloudWatch bills for a stack: metrics while there is traffic, alarms and dashboard always. */
import { alarmResources } from '../template/alarms-part.ts'
import type { Resource, Value } from '../template/cloudformation.ts'
import { PRICES } from './prices.ts'
import type { CostLine, Workload } from './workload.ts'

export const HOURS_PER_MONTH = 730
/**
 * Metrics that the function writes for every request, and for a usual start. A model in S3 adds one to a start, and
 * provisioned concurrency, which runs the model before the first call, another one.
 */
export const REQUEST_METRICS = 11
export const START_METRICS = 4

/** A metric is billed for each hour with a value, at most so many as there are requests. */
const months = (metrics: number, events: number): number => metrics * Math.min(1, events / HOURS_PER_MONTH)

export function watchLines({ imagesPerMonth, coldShare, freeTier, watch }: Workload): CostLine[] {
  const { metric, alarm, dashboard, free } = PRICES.cloudWatch
  const beyond = (count: number, given: number): number => Math.max(0, count - (freeTier ? given : 0))
  const metricMonths =
    months(REQUEST_METRICS, imagesPerMonth) + months(START_METRICS, imagesPerMonth * coldShare)
  const lines = [{ what: 'custom metrics', dollars: beyond(metricMonths, free.metrics) * metric }]
  if (watch === 'none') {
    return lines
  }
  return [
    ...lines,
    {
      what: 'alarms and dashboard',
      dollars: beyond(watchedMetrics(), free.alarms) * alarm + beyond(1, free.dashboards) * dashboard,
    },
  ]
}

/** Of the stack without a data bucket. */
const watchedMetrics = (): number =>
  Object.values(alarmResources)
    .filter(({ Condition }) => Condition === 'IsWatched')
    .reduce((sum, one) => sum + metricsOf(one), 0)

const metricsOf = ({ Properties }: Resource): number =>
  ((Properties.Metrics as Record<string, Value>[] | undefined) ?? [{ MetricStat: '' }]).filter(
    ({ MetricStat }) => MetricStat !== undefined,
  ).length
