import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { JobHome } from '../jobs/home.ts'
import { ContentBlobs } from './content-blobs.ts'
import { SqliteEventBus } from './sqlite-event-bus.ts'
import { SqliteJobStore } from './sqlite-job-store.ts'
import { SqliteQueue } from './sqlite-queue.ts'
import { SqliteTransfer } from './sqlite-transfer.ts'
import { STORE_FILE, StoreFile } from './store-file.ts'

/** All ports in one folder: nothing to start, and several processes of a machine may share it. */
export interface LocalHome extends JobHome {
  readonly folder: string
  readonly file: StoreFile
  readonly blobs: ContentBlobs
}

/** @throws BoxletError STORE_VERSION, STORE_CORRUPT, STORE_UNAVAILABLE */
export async function openHome(folder: string): Promise<LocalHome> {
  const file = await StoreFile.open(folder)
  return {
    name: folder,
    folder,
    seesFiles: true,
    file,
    store: new SqliteJobStore(file),
    transfer: new SqliteTransfer(file),
    pictures: new SqliteQueue(file, { name: 'pictures' }),
    webhooks: new SqliteQueue(file, { name: 'webhooks', mostReceives: JOB_DEFAULTS.webhookTries + 1 }),
    bus: new SqliteEventBus(file),
    blobs: new ContentBlobs(join(folder, 'blobs')),
    close: async () => file.close(),
  }
}

/** Whether there is a store in a folder. */
export const isStore = (folder: string): Promise<boolean> =>
  stat(join(folder, STORE_FILE)).then(
    ({ size }) => size > 0,
    () => false,
  )

/** `$XDG_DATA_HOME/boxlet/jobs`, or the place that the platform keeps for such files. */
export function defaultStoreFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  // The XDG specification says that a relative path here is to be ignored.
  if (env.XDG_DATA_HOME && isAbsolute(env.XDG_DATA_HOME)) {
    return join(env.XDG_DATA_HOME, 'boxlet', 'jobs')
  }
  const home = env.HOME || homedir()
  if (platform === 'darwin') {
    return join(home, 'Library', 'Application Support', 'boxlet', 'jobs')
  }
  if (platform === 'win32') {
    return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'boxlet', 'jobs')
  }
  return join(home, '.local', 'share', 'boxlet', 'jobs')
}
