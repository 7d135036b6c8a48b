import type { Module } from '../module.ts'
import { misfit, type Network, type Value } from '../network/network.ts'

type Activation = (net: Network, x: Value, module: Module) => Value

/** Activations are always read from the tree: a file may have another one than its family. */
const ACTIVATIONS = new Map<string, Activation>([
  ['Identity', (_, x) => x],
  ['SiLU', (net, x) => net.mul(x, net.sigmoid(x))],
  ['ReLU', (net, x) => net.unary('Relu', x)],
  ['ReLU6', (net, x) => clipped(net, x, 0, 6)],
  ['Hardtanh', (net, x, module) => clipped(net, x, module.number('min_val'), module.number('max_val'))],
  [
    'LeakyReLU',
    (net, x, module) => net.unary('LeakyRelu', x, { alpha: { float: module.number('negative_slope') } }),
  ],
  ['Hardswish', (net, x) => net.unary('HardSwish', x)],
  ['Sigmoid', (net, x) => net.sigmoid(x)],
  ['Hardsigmoid', (net, x) => net.unary('HardSigmoid', x, { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })],
  ['ELU', (net, x, module) => net.unary('Elu', x, { alpha: { float: module.number('alpha') } })],
  ['CELU', (net, x, module) => net.unary('Celu', x, { alpha: { float: module.number('alpha') } })],
  ['SELU', (net, x) => net.unary('Selu', x, { alpha: { float: SELU_ALPHA }, gamma: { float: SELU_GAMMA } })],
  ['PReLU', prelu],
  ['Softplus', softplus],
  ['Softsign', (net, x) => net.unary('Softsign', x)],
  ['Tanh', (net, x) => net.unary('Tanh', x)],
  ['Mish', (net, x) => net.mul(x, net.unary('Tanh', net.unary('Softplus', x)))],
  ['GELU', gelu],
])

/** source  Self-Normalizing Neural Networks, https://arxiv.org/abs/1706.02515, section 2 */
const [SELU_ALPHA, SELU_GAMMA] = [1.6732632423543772, 1.0507009873554805]

function clipped(net: Network, x: Value, low: number, high: number): Value {
  return net.node('Clip', [x, net.scalar(low), net.scalar(high)], x.shape)
}

/** One slope for all channels, or one for each. */
function prelu(net: Network, x: Value, module: Module): Value {
  const slopes = module.tensor('weight')
  const [count = 0] = slopes.shape
  if (slopes.shape.length !== 1 || (count !== 1 && count !== x.shape[1]) || x.shape.length !== 4) {
    throw misfit('a slope for each channel', `[${slopes.shape.join(', ')}]`)
  }
  return net.node('PRelu', [x, net.weight([count, 1, 1], () => slopes.values())], x.shape)
}

function softplus(net: Network, x: Value, module: Module): Value {
  if (module.number('beta') !== 1) {
    throw module.unknown('a Softplus with beta 1', `${module.number('beta')}`)
  }
  return net.unary('Softplus', x)
}

/** x · Φ(x), or its approximation by tanh where the module says so. */
function gelu(net: Network, x: Value, module: Module): Value {
  const approximate = module.attribute('approximate') ?? 'none'
  if (approximate !== 'none' && approximate !== 'tanh') {
    throw module.unknown('GELU, exact or by tanh', 'another approximation')
  }
  return approximate === 'none'
    ? exactGelu(net, x)
    : shared(net, x, net.unary('Tanh', net.mul(net.scalar(Math.sqrt(2 / Math.PI)), withCube(net, x))))
}

export const exactGelu = (net: Network, x: Value): Value =>
  shared(net, x, net.unary('Erf', net.binary('Div', x, net.scalar(Math.SQRT2))))

/** x · (1 + share) / 2 */
const shared = (net: Network, x: Value, share: Value): Value =>
  net.mul(net.mul(x, net.binary('Add', share, net.scalar(1))), net.scalar(0.5))

/** x + 0.044715 · x³; source  https://arxiv.org/abs/1606.08415, section 2 */
const withCube = (net: Network, x: Value): Value =>
  net.add(x, net.mul(net.binary('Pow', x, net.scalar(3)), net.scalar(0.044715)))

export const ACTIVATION_NAMES: readonly string[] = [...ACTIVATIONS.keys()]

/** @throws BoxletError MODEL_UNSUPPORTED naming an activation that is not known */
export function activate(net: Network, x: Value, module: Module): Value {
  module.use()
  const activation = module.type.startsWith('torch.nn.') ? ACTIVATIONS.get(module.name) : undefined
  if (activation === undefined) {
    throw module.unknown('an activation that Boxlet knows', module.type)
  }
  return activation(net, x, module)
}
