import { corrupt, MAX_ENTRIES, tooLarge, unsupported } from './limits.ts'
import { unpickle } from './pickle/machine.ts'
import type { PyValue } from './pickle/values.ts'
import type { ByteSource } from './source.ts'
import { storageOf } from './storage-id.ts'
import { ELEMENT_BYTES, type Storage } from './tensor.ts'
import { exact, viewOf } from './zip.ts'

const PROTOCOL = 1001

/**
 * The form before torch 1.6: magic number, version, system, the object, the keys of the storages, then each
 * storage as a count and its values. It has no checksums, so every count has to be what the tensors say and the
 * file has to end where the last storage does.
 */
export function readStream(source: ByteSource): PyValue {
  const bytes = exact(source, 0, source.length)
  const storages = new Map<string, Storage>()
  const next = reader(bytes, (id) => persistent(storages, id))
  next()
  if (next() !== PROTOCOL) {
    throw corrupt(`version ${PROTOCOL} of the stream form`, 'another version')
  }
  checkSystem(next())
  const value = next()
  const keys = next()
  place(bytes, next.at(), storages, keys)
  return value
}

function reader(bytes: Uint8Array, known: (id: PyValue) => PyValue) {
  let at = 0
  const next = () => {
    const { value, end } = unpickle(bytes, known, at)
    at = end
    return value
  }
  return Object.assign(next, { at: () => at })
}

/** Old files hold the source text of their classes too, as `('module', class, file, text)`; it is passed over. */
function persistent(storages: Map<string, Storage>, id: PyValue): PyValue {
  if (Array.isArray(id) && id[0] === 'module') {
    return id[1] ?? null
  }
  const { key, storage } = storageOf(id)
  if (Array.isArray(id) && Array.isArray(id[5])) {
    throw unsupported('storages of their own', 'a storage that is a view of another one')
  }
  const known = storages.get(key)
  if (known !== undefined) {
    return known
  }
  if (storages.size >= MAX_ENTRIES) {
    throw tooLarge('storages', MAX_ENTRIES, 'more')
  }
  storages.set(key, storage)
  return storage
}

function checkSystem(system: PyValue): void {
  if (system instanceof Map && system.get('little_endian') === false) {
    throw unsupported(
      'little-endian values',
      'values of a big-endian machine',
      'Save the model on another machine.',
    )
  }
}

function place(bytes: Uint8Array, from: number, storages: Map<string, Storage>, keys: PyValue): void {
  if (!Array.isArray(keys) || keys.length !== storages.size) {
    throw corrupt(`the keys of ${storages.size} storages`, Array.isArray(keys) ? `${keys.length}` : 'none')
  }
  const view = viewOf(bytes)
  let at = from
  for (const key of keys) {
    const storage = storages.get(key as string)
    if (storage === undefined || at + 8 > bytes.length) {
      throw corrupt('all storages of the stream', 'fewer')
    }
    const count = Number(view.getBigUint64(at, true))
    const start = at + 8
    at = start + count * ELEMENT_BYTES[storage.type]
    if (count !== storage.elements || at > bytes.length || storage.read !== undefined) {
      throw corrupt(`a storage of ${storage.elements} values`, `one of ${count}`)
    }
    storage.read = (first, last) => bytes.slice(start + first, start + last)
  }
  if (at !== bytes.length) {
    throw corrupt('a stream that ends with its last storage', `${bytes.length - at} bytes more`)
  }
}
