import { METRICS_NAMESPACE } from '../function/metrics-namespace.ts'
import { type Resource, sub, when } from './cloudformation.ts'
import { SOURCES } from './sources/sources.ts'
import { functionLine, type Line, widget } from './widgets.ts'

const own = (name: string, stat: string): Line => [
  METRICS_NAMESPACE,
  name,
  'service',
  `\${AWS::StackName}`,
  { stat },
]
const main = functionLine(`\${AWS::StackName}`)

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

/** The widgets of each source, each behind a comma, or nothing: what is joined are texts of JSON. */
const ofSources = SOURCES.flatMap(({ widgets }, index) =>
  widgets === undefined ? [] : [{ name: `Source${index}Widgets`, ...widgets }],
)
const moreWidgets = Object.fromEntries(
  ofSources.map(({ name, condition, list, names }) => [
    name,
    when(condition, sub(list.map((one) => `,${JSON.stringify(one)}`).join(''), names), ''),
  ]),
)

export const dashboardResources: Record<string, Resource> = {
  Dashboard: {
    Type: 'AWS::CloudWatch::Dashboard',
    Condition: 'IsWatched',
    Properties: {
      DashboardName: sub(`\${AWS::StackName}-\${AWS::Region}`),
      DashboardBody: sub(
        JSON.stringify({ widgets }).replace(
          /\]\}$/,
          `${ofSources.map(({ name }) => `\${${name}}`).join('')}]}`,
        ),
        moreWidgets,
      ),
    },
  },
}
