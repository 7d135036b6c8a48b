import { conclude, type RecognisedModel } from '../families/recognise.ts'
import { familyNamed } from '../families/registry.ts'
import type { ModelSignature } from '../model/signature.ts'
import type { Session } from '../runtime/session.ts'
import { outputsOf, place, prepare, run } from './pipeline.ts'
import type { RgbImage } from './types.ts'

/**
 * Settles what the file leaves open from the value ranges of one run. Models that leave nothing open cost
 * nothing here.
 */
export async function settle(
  signature: ModelSignature,
  recognised: RecognisedModel,
  open: () => Promise<Session>,
): Promise<RecognisedModel> {
  const { recognition, contract } = recognised
  const family = familyNamed(contract.family)
  if (!recognition.unsettled?.length || family.settle === undefined) {
    return recognised
  }
  const session = await open()
  try {
    const picture = probePicture(contract.input.size.width, contract.input.size.height)
    const { letterbox, data } = prepare(place(picture, contract), contract)
    const ran = await run({ contract, session }, [{ letterbox, data }])
    const settled = family.settle(outputsOf(contract, ran), recognition, letterbox.input)
    return conclude(signature, contract.name, settled, recognised.alternatives)
  } finally {
    await session.release()
  }
}

/**
 * A picture with edges at many scales: blocks of colour that halve in size from left to right. A plain one
 * leaves the scores of a good model so low that their range says nothing.
 */
function probePicture(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const block = 64 >> Math.min(5, Math.floor((x * 6) / width))
      const seed = (Math.floor(x / block) * 73 + Math.floor(y / block) * 151) & 0xff
      data.set([seed, (seed * 7) & 0xff, (seed * 13) & 0xff], (y * width + x) * 3)
    }
  }
  return { width, height, data }
}
