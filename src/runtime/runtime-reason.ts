/** What is read of a message; the rest would be cut anyway. */
const MOST_READ = 4_000
const MOST_SHOWN = 300

/** Sources of the runtime as its builds name them, whatever the machine they were made on. */
const SOURCE = /(?:\b[A-Za-z]:)?(?:[\\/][^\s\\/:;,'"()]+)+\.(?:cc|cpp|cxx|cu|h|hpp)\b(?::\d+)?/g
/** Files of this machine. Names of nodes look like paths too, `/model.22/Concat`, but have no such ending. */
const FILE =
  /(?:\b[A-Za-z]:)?(?:[\\/][^\s\\/:;,'"()]+)+\.(?:onnx|ort|tflite|data|bin|pb|so|dll|dylib|node|js)\b(?:\.\d+)*/gi

/**
 * The runtime's own words on one line, without its source paths and the files of this machine, but with the names
 * of nodes: often the one fact that tells which part of a model is at fault.
 *
 * @param modelPath of the model that was opened, under which name it may hold spaces
 */
export function runtimeReason(cause: unknown, modelPath?: string): string {
  const text = (cause instanceof Error ? cause.message : String(cause)).slice(0, MOST_READ)
  const line = (modelPath ? text.replaceAll(modelPath, '<path>') : text)
    .replace(/\s+/g, ' ')
    .replace(SOURCE, '<path>')
    .replace(FILE, '<path>')
    .trim()
  return `the runtime says: ${line.slice(0, MOST_SHOWN).replace(/[.\s]+$/, '')}`
}
