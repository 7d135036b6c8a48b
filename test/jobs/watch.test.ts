import { appendFile, chmod, mkdir, rename, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FolderWatch, watchFolder } from '../../src/server/watch-folder.ts'
import { type JobsPlace, jobsPlace, jpeg } from '../support/jobs.ts'

describe('a watched folder', () => {
  let place: JobsPlace
  let inbox: string
  const watches: FolderWatch[] = []
  beforeEach(async () => {
    place = await jobsPlace()
    inbox = join(place.folder, 'inbox')
    await mkdir(inbox)
  })
  afterEach(async () => {
    await Promise.all(watches.splice(0).map((watch) => watch.stop()))
    await place[Symbol.asyncDispose]()
  })
  const start = async (beside = false): Promise<FolderWatch> => {
    const { service } = place.work()
    const watch = await watchFolder({ folder: inbox, beside }, 'local', service, (line) =>
      place.notices.push(line),
    )
    watches.push(watch)
    return watch
  }
  const names = async (): Promise<string[]> => {
    const { items } = await place.home.store.list('local', { limit: 100 })
    const pictures = await Promise.all(
      items.map(async ({ id }) => (await place.home.store.pictures('local', id, { limit: 1 })).items[0]!),
    )
    return pictures
      .filter(({ state }) => state === 'succeeded')
      .map(({ name }) => name)
      .sort()
  }
  const until = async (is: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 30_000; !(await is()); ) {
      if (Date.now() > end) {
        throw new Error(`It did not come: ${await names()} ${place.notices}`)
      }
      await sleep(50)
    }
  }
  const has = (...wanted: string[]) => until(async () => String(await names()) === String(wanted))

  it('makes a job of each picture, whatever lies beside it, and those that come later', async () => {
    await writeFile(join(inbox, 'first.jpg'), await jpeg(1))
    await writeFile(join(inbox, 'notes.txt'), 'no picture')
    await mkdir(join(inbox, 'below'))
    await writeFile(join(inbox, 'below', 'second.jpg'), await jpeg(2))
    await start()
    await has('below/second.jpg', 'first.jpg')
    await writeFile(join(inbox, 'third.jpg'), await jpeg(3))
    await has('below/second.jpg', 'first.jpg', 'third.jpg')
    expect((await place.home.store.list('local', { batch: 'inbox', limit: 10 })).items).toHaveLength(3)
  })

  it('waits for a picture that is being written, and for one under a temporary name to get its own', async () => {
    await start()
    const whole = await jpeg(4)
    await writeFile(join(inbox, 'slow.jpg'), whole.subarray(0, 200))
    await writeFile(join(inbox, '.upload.jpg'), whole)
    await writeFile(join(inbox, 'ftp.jpg.part'), whole)
    await sleep(3500)
    expect(await names()).toEqual([])
    await appendFile(join(inbox, 'slow.jpg'), whole.subarray(200))
    await rename(join(inbox, '.upload.jpg'), join(inbox, 'upload.jpg'))
    await rename(join(inbox, 'ftp.jpg.part'), join(inbox, 'ftp.jpg'))
    await has('ftp.jpg', 'slow.jpg', 'upload.jpg')
  })

  it('does nothing twice after a restart, and a replaced picture anew', async () => {
    await writeFile(join(inbox, 'a.jpg'), await jpeg(5))
    const first = await start()
    await has('a.jpg')
    await first.stop()
    const second = await start()
    await second.looked()
    await sleep(2500)
    await second.looked()
    expect(second.submitted).toBe(0)
    await writeFile(join(inbox, 'a.jpg'), await jpeg(6))
    await until(async () => second.submitted === 1)
    await until(async () => (await names()).length === 2)
    // Of both only the newer is found.
    const found = await place.home.store.search('local', {
      terms: [{ label: 'dog', minScore: 0, least: 1 }],
      limit: 10,
    })
    expect(found.items).toHaveLength(1)
  })

  it('takes a picture that was replaced for a new one though its time is older, and once', async () => {
    await writeFile(join(inbox, 'a.jpg'), await jpeg(20))
    const first = await start()
    await has('a.jpg')
    await writeFile(join(inbox, 'a.jpg'), await jpeg(21))
    const old = new Date(Date.now() - 86_400_000)
    await utimes(join(inbox, 'a.jpg'), old, old)
    await until(async () => first.submitted === 2)
    await first.stop()
    const second = await start()
    await sleep(2500)
    await second.looked()
    expect([second.submitted, place.notices]).toEqual([0, []])
  })

  it('does a picture once whose rights are changed', async () => {
    await writeFile(join(inbox, 'a.jpg'), await jpeg(22))
    const first = await start()
    await has('a.jpg')
    await first.stop()
    await chmod(join(inbox, 'a.jpg'), 0o600)
    const second = await start()
    await sleep(2500)
    await second.looked()
    expect([second.submitted, place.notices]).toEqual([0, []])
  })

  it('says once that the folder is gone, and takes its pictures when it is back', async () => {
    const watch = await start()
    await rename(inbox, `${inbox}-away`)
    await watch.looked()
    await watch.looked()
    await writeFile(join(`${inbox}-away`, 'a.jpg'), await jpeg(23))
    await rename(`${inbox}-away`, inbox)
    await has('a.jpg')
    expect(place.notices).toEqual([`${inbox}: the folder is gone; its pictures are taken once it is back.`])
  })

  it('names a file whose name is not UTF-8', async () => {
    await writeFile(
      Buffer.concat([Buffer.from(`${inbox}/bad`), Buffer.from([0xff]), Buffer.from('.jpg')]),
      await jpeg(24),
    )
    const watch = await start()
    await watch.looked()
    await watch.looked()
    expect(place.notices).toEqual([expect.stringContaining('has a name that is not UTF-8')])
  })

  it('follows no links', async () => {
    await writeFile(join(place.folder, 'secret.jpg'), await jpeg(7))
    await mkdir(join(place.folder, 'elsewhere'))
    await writeFile(join(place.folder, 'elsewhere', 'x.jpg'), await jpeg(8))
    await symlink(join(place.folder, 'secret.jpg'), join(inbox, 'link.jpg'))
    await symlink(join(place.folder, 'elsewhere'), join(inbox, 'folder'))
    await writeFile(join(inbox, 'own.jpg'), await jpeg(9))
    const old = new Date(Date.now() - 60_000)
    await utimes(join(inbox, 'own.jpg'), old, old)
    await start()
    await has('own.jpg')
  })

  it('writes results beside the pictures where that is asked for', async () => {
    await writeFile(join(inbox, 'a.jpg'), await jpeg(10))
    await start(true)
    await has('a.jpg')
    const { readFile } = await import('node:fs/promises')
    const report = JSON.parse((await readFile(join(inbox, 'a.jpg.json'))).toString())
    expect(report).toMatchObject({
      model: { sha256: place.detector.model.sha256 },
      images: [{ source: 'a.jpg', altText: 'A picture of two dogs and a cat.' }],
    })
  })

  it('has to be there', async () => {
    const { service } = place.work()
    await expect(
      watchFolder({ folder: join(place.folder, 'nothing'), beside: false }, 'local', service, () => {}),
    ).rejects.toMatchObject({ code: 'USAGE' })
  })
})
