import { Detector } from '../../detector/detector.ts'
import { familyNamed } from '../../families/registry.ts'
import type { Contract } from '../../model/contract.ts'
import { prepareModel } from '../../prepare/prepare.ts'
import { openSession } from '../../runtime/session.ts'

/**
 * A detector of a model that is in memory, as Boxlet runs the file: by its equivalent faster graph where there is one.
 *
 * @throws BoxletError MODEL_RUN_FAILED
 */
export async function openBytes(bytes: Uint8Array, contract: Contract, threads = 1): Promise<Detector> {
  const prepared = prepareModel(bytes, contract)
  const runs = prepared?.contract ?? contract
  const session = await openSession(prepared?.bytes ?? bytes, { threads })
  return Detector.of({
    info: {
      name: contract.name,
      family: contract.family,
      sha256: '',
      licence: contract.licence?.name ?? null,
      contract,
      evidence: [],
    },
    contract: runs,
    family: familyNamed(runs.family),
    session,
  })
}
