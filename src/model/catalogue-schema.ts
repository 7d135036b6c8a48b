/** Checks a catalogue entry read from a file, so that the rest of the store can trust its type. */
import { z } from 'zod'
import type { CatalogueEntry } from './catalogue-entry.ts'
import { contractSchema } from './contract-schema.ts'
import { isAllowedAddress } from './sources/address.ts'

/** ONNX files cannot exceed 2 GiB without external data, and an entry is one file. */
export const MAX_MODEL_BYTES = 2 * 1024 ** 3

const httpsUrl = z.string().refine(isAllowedAddress, 'an address that is neither https nor on this machine')

const source = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('https'), url: httpsUrl }),
  z.strictObject({
    type: z.literal('npm'),
    package: z.string().regex(/^(@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/),
    version: z.string().regex(/^\d+\.\d+\.\d+[\w.+-]*$/),
    integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]+=*$/),
    path: z.string().startsWith('package/'),
  }),
])

const entry = z.strictObject({
  name: z.string(),
  title: z.string(),
  task: z.enum(['detect', 'segment', 'pose', 'obb', 'classify']),
  family: z.string().regex(/^[a-z0-9-]+$/),
  format: z.enum(['onnx', 'tflite']),
  bytes: z.int().positive().max(MAX_MODEL_BYTES),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  input: z.strictObject({ width: z.int().positive(), height: z.int().positive() }),
  licence: z.strictObject({
    name: z.string(),
    class: z.enum(['permissive', 'copyleft', 'non-commercial', 'unknown']),
    source: z.string(),
  }),
  accuracy: z
    .strictObject({
      metric: z.string(),
      value: z.number().min(0).max(100),
      dataset: z.string(),
      source: z.string(),
    })
    .optional(),
  sources: z.array(source).min(1),
  contract: contractSchema.optional(),
  overrides: z.record(z.string(), z.unknown()).optional(),
})

export function parseCatalogueEntry(value: unknown, fault: (why: string) => Error): CatalogueEntry {
  const result = entry.safeParse(value)
  if (result.success) return result.data as unknown as CatalogueEntry
  const issue = result.error.issues[0]!
  throw fault(`"${issue.path.join('.')}": ${issue.message}`)
}
