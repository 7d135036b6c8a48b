/** Class names in the form that Ultralytics' exporter writes to the metadata of a file; ids without a name are left out. */
export const pythonNames = (names: readonly (string | null)[]): string =>
  `{${names.flatMap((name, id) => (name === null ? [] : [`${id}: ${pythonString(name)}`])).join(', ')}}`

/** A string literal of Python. */
const pythonString = (text: string): string =>
  `'${text
    .replace(/[\\']/g, (char) => `\\${char}`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped
    .replace(/[\u0000-\u001f\u007f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`
