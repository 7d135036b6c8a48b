/** Checks a catalogue entry read from a file, so that the rest of the store can trust its type. */
import * as v from 'valibot'
import { contractSchema } from '../model/contract-schema.ts'
import type { CatalogueEntry } from './catalogue-entry.ts'
import { MAX_MODEL_BYTES } from './file-limit.ts'
import { isAllowedAddress } from './sources/address.ts'

const text = v.string()
const pattern = (form: RegExp) => v.pipe(v.string(), v.regex(form))
const count = v.pipe(v.number(), v.integer(), v.minValue(1))

const source = v.variant('type', [
  v.strictObject({
    type: v.literal('https'),
    url: v.pipe(
      v.string(),
      v.check(isAllowedAddress, 'an address that is neither https nor on this machine'),
    ),
  }),
  v.strictObject({
    type: v.literal('npm'),
    package: pattern(/^(@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/),
    version: pattern(/^\d+\.\d+\.\d+[\w.+-]*$/),
    integrity: pattern(/^sha512-[A-Za-z0-9+/]+=*$/),
    path: v.pipe(v.string(), v.startsWith('package/')),
  }),
])

const entry = v.strictObject({
  name: text,
  title: text,
  task: v.picklist(['detect', 'segment', 'pose', 'obb', 'classify']),
  family: pattern(/^[a-z0-9-]+$/),
  format: v.picklist(['onnx', 'tflite']),
  bytes: v.pipe(count, v.maxValue(MAX_MODEL_BYTES)),
  sha256: pattern(/^[0-9a-f]{64}$/),
  input: v.strictObject({ width: count, height: count }),
  licence: v.strictObject({
    name: text,
    class: v.picklist(['permissive', 'copyleft', 'non-commercial', 'unknown']),
    source: text,
  }),
  accuracy: v.exactOptional(
    v.strictObject({
      metric: text,
      value: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
      dataset: text,
      source: text,
    }),
  ),
  sources: v.pipe(v.array(source), v.minLength(1)),
  contract: v.exactOptional(contractSchema),
  overrides: v.exactOptional(v.record(v.string(), v.unknown())),
})

export function parseCatalogueEntry(value: unknown, fault: (why: string) => Error): CatalogueEntry {
  const result = v.safeParse(entry, value)
  if (result.success) {
    return result.output as unknown as CatalogueEntry
  }
  const [issue] = result.issues
  throw fault(`"${v.getDotPath(issue) ?? ''}": ${issue.message}`)
}
