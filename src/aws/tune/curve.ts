import type { Priced } from './measurement.ts'

const WIDTH = 760
const HEIGHT = 420
const LEFT = 70
const RIGHT = 70
const TOP = 50
const BOTTOM = 60

/** Time (left axis) and price (right axis) over memory as an SVG; the recommended size is marked. */
export function curveSvg(points: readonly Priced[], best: Priced | undefined, title: string): string {
  const sizes = points.map(({ memoryMb }) => memoryMb)
  const [low, high] = [Math.min(...sizes), Math.max(...sizes)]
  const times = axis(Math.max(...points.map(({ warmMs }) => warmMs)))
  const prices = axis(Math.max(...points.map(({ dollarsPerMillion }) => dollarsPerMillion)))
  // Sizes double from one to the next, so they stand evenly on a logarithmic axis.
  const span = Math.log(high / low) || 1
  const x = (memory: number): number => LEFT + (Math.log(memory / low) / span) * (WIDTH - LEFT - RIGHT)
  const y = (value: number, top: number): number => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM)
  const line = (value: (point: Priced) => number, top: number): string =>
    points.map((point) => `${x(point.memoryMb).toFixed(1)},${y(value(point), top).toFixed(1)}`).join(' ')
  const dots = (value: (point: Priced) => number, top: number, kind: string): string =>
    points
      .map(
        (point) =>
          `<circle class="${kind}" cx="${x(point.memoryMb).toFixed(1)}" cy="${y(value(point), top).toFixed(1)}" r="4"/>`,
      )
      .join('')
  const time = (point: Priced): number => point.warmMs
  const price = (point: Priced): number => point.dollarsPerMillion
  const grid = times.ticks
    .map((tick, index) => {
      const at = y(tick, times.top).toFixed(1)
      return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text class="time" x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end">${tick}</text><text class="price" x="${WIDTH - RIGHT + 8}" y="${at}" dy="4">${round(prices.ticks[index] ?? 0)}</text>`
    })
    .join('')
  const labels = points
    .map(
      ({ memoryMb }) =>
        `<text x="${x(memoryMb).toFixed(1)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${memoryMb}</text>`,
    )
    .join('')
  const mark =
    best === undefined
      ? ''
      : `<line class="best" x1="${x(best.memoryMb).toFixed(1)}" x2="${x(best.memoryMb).toFixed(1)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/><text x="${x(best.memoryMb).toFixed(1)}" y="${TOP - 6}" text-anchor="middle">recommended</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="13">
<style>.grid{stroke:#ddd}.best{stroke:#888;stroke-dasharray:4 4}polyline{fill:none;stroke-width:2}text{fill:#333}polyline.time{stroke:#1b6ac9}circle.time,text.time{fill:#1b6ac9}polyline.price{stroke:#c2570c}circle.price,text.price{fill:#c2570c}</style>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${WIDTH / 2}" y="22" text-anchor="middle" font-size="15">${escapeXml(title)}</text>
${grid}${labels}${mark}
<polyline class="time" points="${line(time, times.top)}"/>${dots(time, times.top, 'time')}
<polyline class="price" points="${line(price, prices.top)}"/>${dots(price, prices.top, 'price')}
<text x="${WIDTH / 2}" y="${HEIGHT - 12}" text-anchor="middle">memory in MB</text>
<text class="time" x="16" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 ${HEIGHT / 2})">warm call in ms</text>
<text class="price" x="${WIDTH - 14}" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(90 ${WIDTH - 14} ${HEIGHT / 2})">dollars per million</text>
</svg>
`
}

const TICKS = 5

/** A round number above the largest value, cut into equal steps. */
function axis(largest: number): { top: number; ticks: number[] } {
  const rough = largest / TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size * TICKS >= largest)!
  return { top: step * TICKS, ticks: Array.from({ length: TICKS + 1 }, (_, index) => round(step * index)) }
}

const round = (value: number): number => Number(value.toPrecision(3))
const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!)
