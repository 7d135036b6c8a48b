import { Cursor, viewOf } from '../read/cursor.ts'
import { MessageWriter } from './message-writer.ts'

/** `ModelProto.metadata_props`. */
const METADATA = 14

/** The file with these entries as its metadata in place of what it had; all else stays byte for byte. */
export function withMetadata(bytes: Uint8Array, entries: ReadonlyMap<string, string>): Uint8Array {
  const view = viewOf(bytes)
  const writer = new MessageWriter()
  const at = new Cursor(view)
  for (let from = 0, field = at.field(); field !== 0; from = at.at, field = at.field()) {
    at.skip()
    if (field !== METADATA) {
      writer.raw(view.subarray(from, at.at))
    }
  }
  for (const [key, value] of entries) {
    writer.message(METADATA, (entry) => entry.text(1, key).text(2, value))
  }
  return writer.finish()
}
