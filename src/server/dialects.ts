import { appendFile, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Dialect } from '../api/dialects/dialect.ts'
import { loadDialects } from '../api/dialects/dialects.ts'
import type { LabelStudioSettings } from '../api/dialects/label-studio/label-studio.ts'
import { DEFAULT_LIMITS } from '../api/options.ts'
import { BoxletError } from '../errors.ts'
import { fetchImage } from '../image/fetch/fetch-url.ts'
import { Folders } from '../mcp/folders.ts'
import type { ToolSettings } from '../mcp/tools.ts'
import { defined } from '../system/defined.ts'
import type { ServiceOptions } from './service-options.ts'

/** Annotations of some hundred thousand pictures; a caller must not fill the disk. */
const MOST_EVENT_BYTES = 256 * 2 ** 20

/** The dialects that the operator asked for. */
export async function dialectsOf(
  options: ServiceOptions,
  access: Pick<ToolSettings, 'detectors' | 'fetchPicture'>,
): Promise<Dialect[]> {
  const names = options.clients.filter((name) => name !== 'mcp')
  const dialects = await loadDialects(names, { labelStudio: labelStudioSettings(options) })
  if (names.length < options.clients.length) {
    const [{ toolsOf }, { mcpDialect }] = await Promise.all([
      import('../mcp/tools.ts'),
      import('../mcp/http.ts'),
    ])
    const folders = await Folders.open(options.mcpFolders)
    dialects.push(
      mcpDialect(toolsOf({ ...access, folders, limits: { ...DEFAULT_LIMITS, ...options.limits } })),
    )
  }
  return dialects
}

function labelStudioSettings({ labelStudio: { host, events } = {} }: ServiceOptions): LabelStudioSettings {
  return {
    ...(events !== undefined && { keep: keepIn(events) }),
    ...(host !== undefined && {
      host: {
        origin: host.origin,
        fetchPicture: (url, limits) =>
          fetchImage(url, {
            ...limits,
            trusted: {
              origin: host.origin,
              ...defined({ authorization: host.token && `Token ${host.token}` }),
            },
          }),
      },
    }),
  }
}

/** One event a line. */
const keepIn = (path: string) => async (event: Readonly<Record<string, unknown>>) => {
  const line = `${JSON.stringify(event)}\n`
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  )
  if (size + line.length > MOST_EVENT_BYTES) {
    throw new BoxletError('STORE_UNAVAILABLE', 'Expected room for an event but the file of them is full.', {
      hint: 'Move label-studio.ndjson elsewhere.',
    })
  }
  await mkdir(dirname(path), { recursive: true })
  await appendFile(path, line, { mode: 0o600 })
}
