import { activate } from '../layers/activation.ts'
import { layerNorm, multiheadAttention, tokensOf } from '../layers/tokens.ts'
import { linear } from '../layers/torch.ts'
import { type Block, only } from '../network/builder.ts'

/**
 * A transformer layer over the places of one map: attention, then a small network, each with a shortcut and a
 * norm behind it.
 *
 * source  RT-DETR, https://arxiv.org/abs/2304.08069, section 4.2
 */
const aifi: Block = (builder, inputs, module) => {
  const { net } = builder
  const x = only(inputs, module)
  const [, channels = 0, height = 0, width = 0] = x.shape
  if (module.attribute('normalize_before') === true || channels % 4 !== 0) {
    throw module.unknown('norms behind the shortcuts', 'norms before them')
  }
  const tokens = tokensOf(net, x)
  const places = net.weight(tokens.shape, () => placeCodes(height, width, channels))
  const marked = net.add(tokens, places)
  const attended = multiheadAttention(net, [marked, marked, tokens], module.child('ma'))
  const first = layerNorm(net, net.add(tokens, attended), module.child('norm1'))
  for (const name of ['dropout', 'dropout1', 'dropout2']) {
    module.optional(name)?.use()
  }
  const hidden = activate(net, linear(net, first, module.child('fc1')), module.child('act'))
  const second = layerNorm(
    net,
    net.add(first, linear(net, hidden, module.child('fc2'))),
    module.child('norm2'),
  )
  return net.reshape(net.transpose(second, [0, 2, 1]), x.shape)
}

/** Wavelengths of the places go up to this many cells. */
const TEMPERATURE = 10_000

/**
 * Sines and cosines of the place, [1, places, channels]. The codes are laid out column by column, the tokens row
 * by row: so it was trained, and so it has to stay.
 */
export function placeCodes(height: number, width: number, channels: number): Float32Array {
  const quarter = channels / 4
  const codes = new Float32Array(height * width * channels)
  for (let token = 0; token < height * width; token++) {
    const at = token * channels
    const [column, row] = [Math.floor(token / height), token % height]
    for (let i = 0; i < quarter; i++) {
      const frequency = Math.fround(1 / TEMPERATURE ** (i / quarter))
      codes[at + i] = Math.sin(column * frequency)
      codes[at + quarter + i] = Math.cos(column * frequency)
      codes[at + 2 * quarter + i] = Math.sin(row * frequency)
      codes[at + 3 * quarter + i] = Math.cos(row * frequency)
    }
  }
  return codes
}

export const TRANSFORMER = new Map<string, Block>([['AIFI', aifi]])
