/** The forms that plots are made of, as Vega specifications. */
import type { Mark, Scale, Spec } from 'vega'

const WIDTH = 420
export const HEIGHT = 280
export const BLUE = '#2f6fb3'
export const ORANGE = '#d9822b'
export const GREEN = '#3a8f5c'
export const GREY = '#9aa3ad'

export type Row = Record<string, string | number>

/** Renders a specification. Vega is loaded on first use: it takes 200 ms that no other command should pay. */
export async function draw(spec: Spec): Promise<string> {
  const { parse, View, Warn } = await import('vega')
  const config = {
    // That of the page, which may be dark; its style recolours axes and text.
    background: 'transparent',
    axis: { labelFontSize: 11, titleFontSize: 12, gridColor: '#e6e9ec' },
  }
  const view = new View(parse(spec, config), { renderer: 'none', logLevel: Warn })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

export const unit = (name: string, range: 'width' | 'height'): Scale => ({
  name,
  type: 'linear',
  domain: [0, 1],
  range,
})

export const frame = (x: string, y: string) => ({
  width: WIDTH,
  height: HEIGHT,
  padding: 8,
  axes: [
    { orient: 'bottom' as const, scale: 'x', title: x, grid: true, tickCount: 5 },
    { orient: 'left' as const, scale: 'y', title: y, grid: true, tickCount: 5 },
  ],
})

/** One line for each value of the field `line`. */
export function lines(values: Row[], x: string, y: string, colours: string[], order: string[]): Spec {
  return {
    ...frame(x, y),
    data: [{ name: 'points', values }],
    scales: [
      unit('x', 'width'),
      unit('y', 'height'),
      { name: 'colour', type: 'ordinal', domain: order, range: colours },
    ],
    legends: [{ stroke: 'colour', orient: 'bottom', columns: 3, symbolType: 'stroke', symbolStrokeWidth: 3 }],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'series', data: 'points', groupby: 'line' } },
        marks: [
          {
            type: 'line',
            from: { data: 'series' },
            encode: {
              enter: {
                x: { scale: 'x', field: 'x' },
                y: { scale: 'y', field: 'y' },
                stroke: { scale: 'colour', field: 'line' },
                strokeWidth: { value: 2 },
              },
            },
          },
        ],
      } as Mark,
    ],
  }
}

/** Horizontal bars with a number at each end. */
export function bars(
  values: { name: string; value: number; note: string }[],
  title: string,
  colour: string,
): Spec {
  return {
    width: WIDTH - 110,
    height: Math.max(60, values.length * 18),
    padding: 8,
    data: [{ name: 'bars', values }],
    scales: [
      unit('x', 'width'),
      { name: 'y', type: 'band', domain: values.map((value) => value.name), range: 'height', padding: 0.15 },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title, grid: true, tickCount: 5 },
      { orient: 'left', scale: 'y', labelLimit: 110 },
    ],
    marks: [
      {
        type: 'rect',
        from: { data: 'bars' },
        encode: {
          enter: {
            x: { scale: 'x', value: 0 },
            x2: { scale: 'x', field: 'value' },
            y: { scale: 'y', field: 'name' },
            height: { scale: 'y', band: 1 },
            fill: { value: colour },
          },
        },
      },
      {
        type: 'text',
        from: { data: 'bars' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'value', offset: 4 },
            y: { scale: 'y', field: 'name', band: 0.5 },
            text: { field: 'note' },
            baseline: { value: 'middle' },
            fontSize: { value: 10 },
          },
        },
      },
    ],
  }
}
