import { linear } from '../layers/torch.ts'
import type { Head } from './head.ts'

/** Shares of the classes, [1, classes], after softmax. */
const classify: Head = (builder, inputs, module) => {
  const { net } = builder
  const joined = net.concat(inputs, 1)
  const pooled = builder.chain([module.child('conv'), module.child('pool')], joined)
  const flat = net.reshape(pooled, [1, pooled.shape[1]!])
  const dropped = builder.call(module.child('drop'), flat)
  const scores = net.softmax(linear(net, dropped, module.child('linear')), 1)
  return { outputs: [scores], task: 'classify', strides: [], classes: scores.shape[1]!, exempt: [] }
}

export const CLASSIFIERS = new Map<string, Head>([['Classify', classify]])
