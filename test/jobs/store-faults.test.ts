import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BoxletError } from '../../src/errors.ts'
import { pruneHome } from '../../src/jobs/home.ts'
import { JobService } from '../../src/jobs/service.ts'
import { backUp, restore } from '../../src/local/backup.ts'
import { openHome } from '../../src/local/home.ts'
import { openDatabase } from '../../src/local/sqlite.ts'
import { StoreFile } from '../../src/local/store-file.ts'

/** Containers without rights of their own mount nothing. */
const mayMount = ((): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return false
  }
  const place = mkdtempSync(join(tmpdir(), 'boxlet-mount-'))
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', place]).status === 0
  if (isMounted) {
    execFileSync('umount', ['-l', place])
  }
  rmdirSync(place)
  return isMounted
})()

describe('a store', () => {
  let folder: string
  let store: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-faults-'))
    store = join(folder, 'store')
    file = join(store, 'jobs.sqlite')
  })
  afterEach(async () => {
    await chmod(store, 0o700).catch(() => {})
    await rm(folder, { recursive: true, force: true })
  })
  const submission = {
    options: {},
    pictures: [{ name: 'a', source: { kind: 'url' as const, url: 'https://x.org' } }],
  }
  const make = async (): Promise<string> => {
    const home = await openHome(store)
    const { job } = await new JobService(home.store, home.pictures).submit('local', submission)
    await home.close()
    return job.id
  }
  const opening = () => openHome(store).then((home) => home.close())

  it('can be read by its owner alone', async () => {
    await make()
    const home = await openHome(store)
    await backUp(home, join(folder, 'copy'))
    await home.close()
    for (const path of [store, file, join(folder, 'copy', 'jobs.sqlite')]) {
      expect((await stat(path)).mode & 0o077).toBe(0)
    }
  })

  it('that is damaged in any one place is named as such, whoever asks what of it', async () => {
    const home = await openHome(store)
    const service = new JobService(home.store, home.pictures)
    await Promise.all(Array.from({ length: 400 }, () => service.submit('local', submission)))
    await home.close()
    const whole = await readFile(file)
    const codes = new Set<string>()
    const note = (error: unknown) => void codes.add((error as BoxletError).code)
    for (let page = 2; page < whole.length / 4096; page += 2) {
      const damaged = Buffer.from(whole)
      for (let i = 0; i < 4096; i++) {
        damaged[page * 4096 + i] = i * 131 + page
      }
      const place = join(folder, `page-${page}`)
      await mkdir(place)
      await writeFile(join(place, 'jobs.sqlite'), damaged)
      const opened = await openHome(place).catch(note)
      if (opened) {
        const terms = [{ label: 'dog', minScore: 0, least: 1 }]
        await opened.store.list('local', { limit: 500 }).catch(note)
        await opened.store.search('local', { terms, limit: 5 }).catch(note)
        await opened.pictures.receive({ max: 5, leaseMs: 1000 }).catch(note)
        await new JobService(opened.store, opened.pictures).submit('local', submission).catch(note)
        await opened.close()
      }
      await rm(place, { recursive: true })
    }
    expect([...codes]).toEqual(['STORE_CORRUPT'])
  })

  it('of a newer version is named as such and left as it is', async () => {
    await make()
    const database = await openDatabase(file, {})
    database.exec('PRAGMA user_version = 99')
    database.close()
    const before = await readFile(file)
    await expect(opening()).rejects.toMatchObject({
      code: 'STORE_VERSION',
      message: expect.stringContaining('version 99'),
    })
    expect(await readFile(file)).toEqual(before)
  })

  it('that is damaged, or no store, is named as such and left as it is', async () => {
    await make()
    const whole = await readFile(file)
    const damaged = Buffer.from(whole)
    damaged.fill(0xee, 100, 4096)
    for (const [bytes, code] of [
      [
        Buffer.from('this is no database, but some text that somebody keeps here'.repeat(20)),
        'STORE_CORRUPT',
      ],
      [damaged, 'STORE_CORRUPT'],
    ] as const) {
      await rm(store, { recursive: true })
      await openHome(store).then((home) => home.close())
      await writeFile(file, bytes)
      await expect(opening()).rejects.toMatchObject({ code })
      expect(await readFile(file)).toEqual(bytes)
    }
  })

  it("that is another program's database is not touched", async () => {
    await openHome(store).then((home) => home.close())
    await rm(file)
    const database = await openDatabase(file, {})
    database.exec('CREATE TABLE recipes (name TEXT)')
    database.close()
    const before = await readFile(file)
    await expect(opening()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('another program'),
    })
    expect(await readFile(file)).toEqual(before)
  })

  it('that is full refuses new jobs, keeps what it has, and goes on once there is room', async () => {
    const id = await make()
    const opened = await StoreFile.open(store)
    const { page_count: pages } = opened.get('PRAGMA page_count')!
    // What a full disk says, without filling one.
    opened.get(`PRAGMA max_page_count = ${pages}`)
    const { SqliteJobStore } = await import('../../src/local/sqlite-job-store.ts')
    const jobs = new SqliteJobStore(opened)
    const large = {
      tenant: 'local',
      options: { notes: { text: 'x'.repeat(20_000) } },
      pictures: submission.pictures,
      ttlMs: 1e9,
    }
    const filling = async () => {
      for (;;) {
        await jobs.accept([large])
      }
    }
    await expect(filling()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('full disk'),
    })
    expect(await jobs.get('local', id)).toBeDefined()
    opened.get('PRAGMA max_page_count = 1000000')
    expect(await jobs.accept([large])).toMatchObject([{ outcome: 'created' }])
    opened.close()
  })

  it('that another process holds is named as locked, after waiting for it', async () => {
    await make()
    const other = await openDatabase(file, {})
    other.exec('BEGIN IMMEDIATE')
    const home = await openHome(store).catch((error: unknown) => error)
    expect(home).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('locked') })
    other.exec('ROLLBACK')
    other.close()
    await opening()
  }, 60_000)

  it.skipIf(process.getuid?.() === 0)('in a folder that may not be written is named as such', async () => {
    await make()
    await chmod(store, 0o500)
    await chmod(file, 0o400)
    await expect(opening()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  it.skipIf(!mayMount)('on a read-only disk is named as such and left as it is', async () => {
    await make()
    const before = await readFile(file)
    const seen = join(folder, 'seen')
    await mkdir(seen)
    execFileSync('mount', ['--bind', store, seen])
    try {
      execFileSync('mount', ['-o', 'remount,bind,ro', seen])
      await expect(openHome(seen)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('read-only disk'),
      })
      expect(await readFile(file)).toEqual(before)
    } finally {
      // SQLite holds the file that it could not use until its memory is needed.
      execFileSync('umount', ['-l', seen])
    }
  })

  it('where no folder can be made is named as such', async () => {
    await writeFile(join(folder, 'taken'), '')
    await expect(openHome(join(folder, 'taken', 'store'))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  })

  it('is copied while it is in use, and made again from the copy', async () => {
    const home = await openHome(store)
    const service = new JobService(home.store, home.pictures)
    const ref = await home.blobs.keep(Buffer.from('a picture'))
    const { job } = await service.submit('local', {
      options: {},
      pictures: [{ name: 'a', source: { kind: 'blob', ref, owned: true } }],
    })
    const backup = join(folder, 'backup')
    await backUp(home, backup)
    await expect(backUp(home, backup)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    await expect(restore(backup, store)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    await home.close()
    const again = join(folder, 'again')
    await restore(backup, again)
    const restored = await openHome(again)
    expect(await restored.store.get('local', job.id)).toEqual(job)
    expect(Buffer.from(await restored.blobs.get(ref)).toString()).toBe('a picture')
    restored.close()
    await copyFile(join(folder, 'backup', 'jobs.sqlite'), join(folder, 'x'))
    await expect(restore(join(folder, 'nothing'), join(folder, 'new'))).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
    })
  })

  it('loses the pictures that no job needs any more, and no younger ones', async () => {
    const home = await openHome(store)
    const service = new JobService(home.store, home.pictures)
    const keep = async (text: string) => ({
      kind: 'blob' as const,
      ref: await home.blobs.keep(Buffer.from(text)),
      owned: true as const,
    })
    const needed = await keep('needed')
    await service.submit('local', { options: {}, pictures: [{ name: 'a', source: needed }] })
    const over = await keep('over')
    await service.submit('local', { options: {}, pictures: [{ name: 'a', source: over }], ttlMs: 1 })
    await keep('young')
    const old = new Date(Date.now() - 2 * 3_600_000)
    const { utimes } = await import('node:fs/promises')
    for (const { ref } of [needed, over]) {
      await utimes(join(store, 'blobs', ref.bucket, ref.key), old, old)
    }
    expect(await pruneHome(home)).toEqual({ jobs: 1, blobs: 1 })
    await expect(home.blobs.get(over.ref)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    expect((await home.blobs.get(needed.ref)).length).toBe(6)
    await home.close()
    expect(await readdir(store)).toContain('jobs.sqlite')
  })
})
