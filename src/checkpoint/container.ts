import { foreignFile, isStream, isZip } from './kind.ts'
import { corrupt, MAX_FILE_BYTES, MAX_PICKLE_BYTES, tooLarge, unsupported } from './limits.ts'
import { unpickle } from './pickle/machine.ts'
import type { PyValue } from './pickle/values.ts'
import type { ByteSource } from './source.ts'
import { storageOf } from './storage-id.ts'
import { readStream } from './stream.ts'
import { ELEMENT_BYTES, type Storage } from './tensor.ts'
import { exact, readZip, type ZipEntry } from './zip.ts'

/** Bytes that tell the kind of a file. */
const HEAD_BYTES = 512

/**
 * The value that `torch.save` was given, with its tensors still in the file: of the ZIP form (torch 1.6 and
 * later, every checksum checked) and of the older stream form (which has none; there sizes are checked).
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT, or MODEL_UNSUPPORTED for files of other makers and kinds
 */
export function readContainer(source: ByteSource): PyValue {
  if (source.length > MAX_FILE_BYTES) {
    throw tooLarge('bytes', MAX_FILE_BYTES, source.length)
  }
  const head = source.read(0, HEAD_BYTES)
  if (isZip(head)) {
    return readArchive(source)
  }
  if (isStream(head)) {
    return readStream(source)
  }
  throw foreignFile(head) ?? corrupt('a file of torch.save', 'other bytes')
}

function readArchive(source: ByteSource): PyValue {
  const entries = readZip(source)
  const pickle = [...entries.values()].find(({ name }) => /^[^/]+\/data\.pkl$/.test(name))
  if (pickle === undefined) {
    throw foreignArchive([...entries.keys()])
  }
  const folder = pickle.name.slice(0, -'data.pkl'.length)
  if (
    entries.has(`${folder}constants.pkl`) ||
    [...entries.keys()].some((name) => name.startsWith(`${folder}code/`))
  ) {
    throw unsupported(
      'a checkpoint of the training',
      'a TorchScript program, which holds code and no layers',
      'Give the best.pt that the training left, or export to ONNX from it.',
    )
  }
  checkOrder(source, entries.get(`${folder}byteorder`))
  if (pickle.end - pickle.start > MAX_PICKLE_BYTES) {
    throw tooLarge('bytes of its pickle', MAX_PICKLE_BYTES, pickle.end - pickle.start)
  }
  const storages = new Map<string, Storage>()
  const persistent = (id: PyValue): PyValue => {
    const { key, storage } = storageOf(id)
    const known = storages.get(key)
    if (known !== undefined) {
      return known
    }
    storage.read = entryReader(source, entries.get(`${folder}data/${key}`), storage)
    storages.set(key, storage)
    return storage
  }
  return unpickle(exact(source, pickle.start, pickle.end), persistent).value
}

function entryReader(source: ByteSource, entry: ZipEntry | undefined, storage: Storage) {
  const bytes = storage.elements * ELEMENT_BYTES[storage.type]
  if (entry === undefined || entry.end - entry.start < bytes) {
    throw corrupt(`${bytes} bytes of a storage`, entry === undefined ? 'none' : `${entry.end - entry.start}`)
  }
  return (from: number, to: number) => exact(source, entry.start + from, entry.start + Math.min(to, bytes))
}

function checkOrder(source: ByteSource, entry: ZipEntry | undefined): void {
  const order = entry === undefined ? 'little' : new TextDecoder().decode(source.read(entry.start, entry.end))
  if (order !== 'little') {
    throw unsupported(
      'little-endian values',
      'values of a big-endian machine',
      'Save the model on another machine.',
    )
  }
}

function foreignArchive(names: readonly string[]) {
  return names.some((name) => /(?:^|\/)(?:saved_model|model\.json|variables)/.test(name))
    ? unsupported('a checkpoint of PyTorch', 'a packed model of another framework')
    : corrupt('an archive with a data.pkl, as torch.save writes it', 'one without')
}
