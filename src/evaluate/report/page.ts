import { escapeText } from './escape.ts'

/** A table; every cell is escaped. The first column is text, the others are numbers. */
export function htmlTable(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows
  const cells = (row: readonly string[], tag: string) =>
    row.map((cell) => (cell === '' ? '<td></td>' : `<${tag}>${escapeText(cell)}</${tag}>`)).join('')
  const lines = body.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')
  return `<div class="scroll"><table><thead><tr>${cells(head!, 'th')}</tr></thead><tbody>\n${lines}\n</tbody></table></div>`
}

/** A number that matters, large, with what it is below. */
export const tile = (value: string, caption: string): string =>
  `<div class="tile"><b>${escapeText(value)}</b><span>${escapeText(caption)}</span></div>`

export const plot = (svg: string, caption: string): string =>
  `<figure class="plot">${svg}<figcaption>${caption}</figcaption></figure>`

export const section = (title: string, content: string): string =>
  `<section><h2>${escapeText(title)}</h2>\n${content}\n</section>`

/** Folded away until asked for, without any script. */
export const folded = (title: string, content: string): string =>
  `<details><summary>${escapeText(title)}</summary>\n${content}\n</details>`

/**
 * A whole page in one file. The policy in its head lets nothing be loaded or run, whatever a label or a file
 * name in it should try.
 */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escapeText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`

const STYLE = `
:root { color-scheme: light dark; --text: #20262d; --soft: #5b6670; --line: #dfe3e7; --back: #fff; --card: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --text: #e7eaed; --soft: #a3adb6; --line: #353c43; --back: #15181b; --card: #1f2428; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; } pre { white-space: pre-wrap; overflow-wrap: anywhere; } .soft, figcaption { color: var(--soft); font-size: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .5rem; }
.tile { background: var(--card); border-radius: .5rem; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.4rem; } .tile span { color: var(--soft); font-size: .85rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1rem; align-items: start; }
figure { margin: 0; } .plot svg { width: 100%; height: auto; }
.plot svg text[fill="#000"] { fill: var(--text); } .plot svg [stroke="#20262d"] { stroke: var(--text); }
.plot svg [stroke="#e6e9ec"] { stroke: var(--line); } .plot svg [stroke="#888"] { stroke: var(--soft); }
.choose { border: 0; margin: .5rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem; }
.choose legend { float: left; color: var(--soft); font-size: .9rem; margin: .25rem .3rem 0 0; }
.choose label { cursor: pointer; } .choose input { position: absolute; opacity: 0; }
.choose span { display: block; background: var(--card); border: 1px solid var(--line); border-radius: 1rem; padding: .15rem .7rem; font-size: .9rem; }
.choose :checked + span { background: var(--text); color: var(--back); } .choose :focus-visible + span { outline: 3px solid #4da3ff; outline-offset: 2px; }
.matrix:has(#matrix-shares:checked) .counts, .matrix:not(:has(#matrix-shares:checked)) .shares { display: none; }
.gallery .none { display: none; } .gallery:not(:has(figure[class])) .none { display: block; }
.steps { display: none; } .open { display: block; cursor: zoom-in; }
figure:target { position: fixed; inset: 0; z-index: 2; background: var(--back); padding: .5rem; overflow: auto; display: flex !important; flex-direction: column; gap: .5rem; }
figure:target .open { flex: 1; min-height: 0; cursor: default; } figure:target .picture { height: 100%; max-height: calc(100vh - 4rem); }
figure:target .picture text { font-size: calc(var(--size) * .55); } figure:target .steps { display: inline; } figure:target .steps a { color: inherit; margin-left: .8em; padding: .3em; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; width: 100%; }
th, td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 600; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: .5rem; margin-bottom: 1rem; }
.picture { width: 100%; height: auto; border-radius: .4rem; display: block; }
.picture rect { fill: none; stroke-width: 2.5px; vector-effect: non-scaling-stroke; pointer-events: all; }
.picture text { font-family: system-ui, sans-serif; font-weight: 600; paint-order: stroke; stroke: #000c; stroke-width: .18em; }
rect.hit { stroke: #35c46f; } text.hit { fill: #7df0ab; } rect.false { stroke: #ff4d4d; } text.false { fill: #ff9b9b; }
rect.missed { stroke: #ffb020; stroke-dasharray: 7 4; } text.missed { fill: #ffd27a; }
rect.truth { stroke: #ffffff; stroke-width: 1px; stroke-dasharray: 3 3; } rect.crowd { stroke: #b0b7be; stroke-dasharray: 2 5; }
rect.a { stroke: #4da3ff; } text.a { fill: #a9d3ff; } rect.b { stroke: #ff9f40; } text.b { fill: #ffd0a0; }
.key i { display: inline-block; width: 1.2em; height: .8em; border: 2.5px solid; margin: 0 .3em 0 .8em; vertical-align: middle; }
details { margin: .5rem 0; } summary { cursor: pointer; } .problems { font: .85rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
footer { margin: 3rem 0 1rem; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
`
