/** What of a store has still to be done elsewhere: messages to send, ends to tell, lists to read on. */
import type { Job } from '../jobs/job.ts'
import type { ManifestPosition, UnreadManifest, Unsent } from '../jobs/job-store.ts'
import { jobOf } from './job-rows.ts'
import type { StoreFile } from './store-file.ts'

/** From this many pictures on a job waits in a line of its own, so that single pictures pass it. */
const OWN_GROUP = 16

export const unsentPictures = (file: StoreFile, limit: number): Unsent[] =>
  file
    .all(
      `SELECT p.n, p.tenant, p.attempts, j.id, j.total FROM pictures p JOIN jobs j ON j.seq = p.job
       WHERE p.sent = 0 ORDER BY p.seq LIMIT ?`,
      limit,
    )
    .map(({ n, tenant, attempts, id, total }) => ({
      ref: { tenant: String(tenant), job: String(id), n: Number(n) },
      group: Number(total) >= OWN_GROUP ? `${tenant}/${id}` : String(tenant),
      note: String(attempts),
    }))

export function noteSent(file: StoreFile, sent: readonly Pick<Unsent, 'ref' | 'note'>[]): void {
  for (const { ref, note = '0' } of sent) {
    // One that is queued after a try was queued again, and waits for another message.
    file.run(
      `UPDATE pictures SET sent = 1 WHERE n = ? AND job = (SELECT seq FROM jobs WHERE id = ? AND tenant = ?)
         AND (state <> 'queued' OR attempts = ?)`,
      ref.n,
      ref.job,
      ref.tenant,
      Number(note),
    )
  }
}

export const unannouncedJobs = (file: StoreFile, limit: number): Job[] =>
  file
    .all('SELECT * FROM jobs WHERE finished IS NOT NULL AND announced = 0 ORDER BY seq LIMIT ?', limit)
    .map(jobOf)

export function noteAnnounced(file: StoreFile, jobs: readonly Pick<Job, 'tenant' | 'id'>[]): void {
  for (const { tenant, id } of jobs) {
    file.run('UPDATE jobs SET announced = 1 WHERE id = ? AND tenant = ?', id, tenant)
  }
}

export const unreadManifests = (file: StoreFile, limit: number): UnreadManifest[] =>
  file
    .all(
      'SELECT id, tenant, manifest FROM jobs WHERE manifest IS NOT NULL AND finished IS NULL ORDER BY seq LIMIT ?',
      limit,
    )
    .map(({ id, tenant, manifest }) => ({
      tenant: String(tenant),
      job: String(id),
      position: JSON.parse(String(manifest)) as ManifestPosition,
    }))
