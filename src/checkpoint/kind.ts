import type { BoxletError } from '../errors.ts'
import { unsupported } from './limits.ts'

/** PROTO 2, LONG1 of ten bytes: the number 0x1950a86a20f9469cfc6c, by which PyTorch knows its own stream files. */
const MAGIC = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]

export const isZip = (head: Uint8Array): boolean =>
  head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4

export const isStream = (head: Uint8Array): boolean => MAGIC.every((byte, at) => head[at] === byte)

/** The marks of both forms in which PyTorch saves. What else may hide behind them is found out by reading. */
export const isCheckpoint = (head: Uint8Array): boolean => isZip(head) || isStream(head)

/** Files that are met under the names of checkpoints and hold something else, by their first bytes. */
export function foreignFile(head: Uint8Array): BoxletError | undefined {
  const text = new TextDecoder('latin1').decode(head)
  if (text.slice(257, 262) === 'ustar' || /^(?:storages|tensors|pickle|sys_info)\0/.test(text)) {
    return unsupported(
      'a file of torch.save since PyTorch 0.2',
      'the tar form of older versions',
      'Load it with torch.load in PyTorch 1.x and save it again with torch.save.',
    )
  }
  if (isSafetensors(head)) {
    return unsupported(
      'a checkpoint with its network',
      'a safetensors file, which holds weights and no layers',
      'Export the model to ONNX where it was trained (Hugging Face: "optimum-cli export onnx --model FOLDER out/").',
    )
  }
  return undefined
}

/** Eight bytes of a length, then JSON of that length. */
function isSafetensors(head: Uint8Array): boolean {
  if (head.length < 10) {
    return false
  }
  const length = Number(new DataView(head.buffer, head.byteOffset, head.byteLength).getBigUint64(0, true))
  return (
    length >= 2 &&
    length < 100_000_000 &&
    head[8] === 0x7b &&
    (head[9] === 0x22 || head[9] === 0x7d || head[9] === 0x20)
  )
}
