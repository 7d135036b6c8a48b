import { PyObject, type PyValue } from './values.ts'

/** A NumPy number, in which metrics are kept: `scalar(dtype, bytes)`. Kinds that are not numbers stay inert. */
export function numpyScalar(args: PyValue[]): PyValue {
  const [type, bytes] = args
  const code = type instanceof PyObject ? type.args[0] : undefined
  if (typeof code !== 'string' || !(bytes instanceof Uint8Array)) {
    return new PyObject('numpy.scalar', args)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read = READERS.get(`${code}:${bytes.length}`)
  return read === undefined ? new PyObject('numpy.scalar', args) : read(view)
}

/** By type code and length; NumPy writes them little-endian on every machine that trains. */
const READERS = new Map<string, (view: DataView) => PyValue>([
  ['f8:8', (view) => view.getFloat64(0, true)],
  ['f4:4', (view) => view.getFloat32(0, true)],
  ['i8:8', (view) => Number(view.getBigInt64(0, true))],
  ['i4:4', (view) => view.getInt32(0, true)],
  ['b1:1', (view) => view.getUint8(0) !== 0],
])
