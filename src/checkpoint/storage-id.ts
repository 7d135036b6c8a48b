import { corrupt, unsupported } from './limits.ts'
import { PyGlobal, type PyValue } from './pickle/values.ts'
import { STORAGE_TYPES, Storage } from './tensor.ts'

/** `('storage', class, key, device, elements)`. */
export function storageOf(id: PyValue): { key: string; storage: Storage } {
  if (!Array.isArray(id) || id[0] !== 'storage') {
    throw corrupt('persistent ids of storages', 'another one')
  }
  const [, type, key, , elements] = id
  const element =
    type instanceof PyGlobal && type.module === 'torch' ? STORAGE_TYPES.get(type.name) : undefined
  if (element === undefined) {
    throw unsupported('tensors of float and integer types', 'a storage of another type')
  }
  if (typeof key !== 'string' || !Number.isSafeInteger(elements) || (elements as number) < 0) {
    throw corrupt('a storage with a key and a size', 'one without')
  }
  return { key, storage: new Storage(element, elements as number) }
}
