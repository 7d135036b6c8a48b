import type { Module } from '../module.ts'
import type { Network, Value } from '../network/network.ts'

type Activation = (net: Network, x: Value, module: Module) => Value

/** Activations are always read from the tree: a file may have another one than its family. */
const ACTIVATIONS = new Map<string, Activation>([
  ['Identity', (_, x) => x],
  ['SiLU', (net, x) => net.mul(x, net.sigmoid(x))],
  ['ReLU', (net, x) => net.unary('Relu', x)],
  ['ReLU6', (net, x) => net.node('Clip', [x, net.scalar(0), net.scalar(6)], x.shape)],
  [
    'LeakyReLU',
    (net, x, module) => net.unary('LeakyRelu', x, { alpha: { float: module.number('negative_slope') } }),
  ],
  ['Hardswish', (net, x) => net.unary('HardSwish', x)],
  ['Sigmoid', (net, x) => net.sigmoid(x)],
  ['Tanh', (net, x) => net.unary('Tanh', x)],
  ['Mish', (net, x) => net.mul(x, net.unary('Tanh', net.unary('Softplus', x)))],
  ['GELU', gelu],
])

/** x · Φ(x); the approximation by tanh is another function. */
function gelu(net: Network, x: Value, module: Module): Value {
  const approximate = module.attribute('approximate')
  if (approximate !== undefined && approximate !== 'none') {
    throw module.unknown('the exact GELU', 'an approximate one')
  }
  const erf = net.unary('Erf', net.binary('Div', x, net.scalar(Math.SQRT2)))
  return net.mul(net.mul(x, net.binary('Add', erf, net.scalar(1))), net.scalar(0.5))
}

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
