import { FIVE_MINUTES } from './alarms-part.ts'
import type { Value } from './cloudformation.ts'

/** A metric as CloudWatch's dashboards write it: namespace, name, dimensions and how it is drawn. */
export type Line = (string | { stat: string; label?: string })[]

/** A third of the width of the dashboard. */
export const widget = (
  title: string,
  [column, row]: readonly [number, number],
  lines: readonly Line[],
  unit: string,
): Value => ({
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
    metrics: lines as Value[],
    yAxis: { left: { label: unit, showUnits: false, min: 0 } },
  },
})

export const functionLine =
  (functionName: string) =>
  (name: string, stat: string): Line => ['AWS/Lambda', name, 'FunctionName', functionName, { stat }]
