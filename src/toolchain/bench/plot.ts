import type { Spec } from 'vega'
import { BLUE, draw, frame } from '../../evaluate/report/plot-forms.ts'
import type { Benched } from './bench.ts'

/** AP over milliseconds a picture, a point for each model: up and to the left is better. */
export function plotBench(models: readonly Benched[]): Promise<string> {
  const values = models.flatMap(({ name, median, ap }) =>
    ap === undefined ? [] : [{ name, ms: median, ap }],
  )
  const most = Math.max(0.1, ...values.map(({ ap }) => ap))
  const spec: Spec = {
    ...frame('milliseconds a picture, whole path', 'AP'),
    data: [{ name: 'models', values }],
    scales: [
      {
        name: 'x',
        type: 'linear',
        domain: { data: 'models', field: 'ms' },
        zero: true,
        nice: true,
        range: 'width',
      },
      { name: 'y', type: 'linear', domain: [0, most], nice: true, range: 'height' },
    ],
    marks: [
      {
        type: 'symbol',
        from: { data: 'models' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'ms' },
            y: { scale: 'y', field: 'ap' },
            fill: { value: BLUE },
            size: { value: 70 },
          },
        },
      },
      {
        type: 'text',
        from: { data: 'models' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'ms' },
            y: { scale: 'y', field: 'ap', offset: -10 },
            text: { field: 'name' },
            align: { value: 'center' },
            fontSize: { value: 11 },
          },
        },
      },
    ],
  }
  return draw(spec)
}
