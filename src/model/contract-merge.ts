import { isRecord } from '../system/record.ts'
import type { Contract } from './contract.ts'
import { validateContract } from './contract-schema.ts'

/**
 * Lays the given parts over a contract: objects key by key, lists and plain values whole.
 *
 * @throws BoxletError CONTRACT_INVALID when the result is not a contract
 */
export function mergeContract(base: Contract, parts: unknown): Contract {
  return validateContract(merge(base, parts))
}

function merge(base: unknown, over: unknown): unknown {
  if (!isRecord(base) || !isRecord(over)) {
    return over
  }
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    if (value !== undefined) {
      merged[key] = Object.hasOwn(base, key) ? merge(base[key], value) : value
    }
  }
  return merged
}
