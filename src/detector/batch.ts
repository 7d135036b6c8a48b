import type { Contract } from '../model/contract.ts'
import type { Session } from '../runtime/session.ts'
import type { PlacedPicture } from './fit.ts'

/** Pictures of one run at most, for files that take any number: each holds its activations. */
const MAX_BATCH = 8

/** A contract and the session that it describes. */
interface Opened {
  contract: Contract
  session: Pick<Session, 'inputs'>
}

/** The batch axis of the picture tensor when the file fixes it, else 1. */
export function fixedBatch(loaded: Opened): number {
  const axis = batchAxis(loaded)
  return typeof axis === 'number' && axis > 1 ? axis : 1
}

/** How many pictures one run may take: 1 for a file whose outputs cannot be split by picture. */
export function batchLimit(loaded: Opened & { session: Pick<Session, 'outputs'> }): number {
  const axis = batchAxis(loaded)
  if (typeof axis === 'number') {
    return Math.max(1, axis)
  }
  const { contract, session } = loaded
  const roles = Object.values(contract.output.roles)
  const parted = session.outputs
    .filter(({ name }) => roles.includes(name))
    .every(({ shape }) => shape.length > 1 && typeof shape[0] !== 'number')
  return axis !== undefined && parted && contract.input.geometry.fit !== 'none' ? MAX_BATCH : 1
}

/** Undefined for a file without a batch axis. */
function batchAxis({ contract, session }: Opened): number | string | null | undefined {
  const { layout, name } = contract.input
  if (layout === 'CHW' || layout === 'HWC') {
    return undefined
  }
  return session.inputs.find((input) => input.name === name)?.shape[0]
}

/** Pictures that can share a run: those with one input size, in groups up to the limit. */
export function sameInput(
  placed: readonly PromiseSettledResult<PlacedPicture>[],
  limit: number,
): { index: number; place: PlacedPicture }[][] {
  const bySize = new Map<string, { index: number; place: PlacedPicture }[]>()
  placed.forEach((result, index) => {
    if (result.status === 'rejected') {
      return
    }
    const { width, height } = result.value.letterbox.input
    const key = `${width}x${height}`
    bySize.set(key, [...(bySize.get(key) ?? []), { index, place: result.value }])
  })
  return [...bySize.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / limit) }, (_, i) =>
      group.slice(i * limit, (i + 1) * limit),
    ),
  )
}
