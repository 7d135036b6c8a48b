/** Text for HTML and SVG. Labels and file names come from models and data sets, which anyone may have made. */
export const escapeText = (text: string): string =>
  text.replace(/[&<>"'\p{Cc}]/gu, (character) => ENTITIES[character] ?? ' ')

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
