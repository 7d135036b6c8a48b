import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/api/app.ts'
import { openHome } from '../../src/local/home.ts'
import { listen } from '../../src/server/http-server.ts'
import { startJobs } from '../../src/server/jobs.ts'
import { singleDetector } from '../support/app.ts'
import { boxlet } from '../support/boxlet.ts'
import { dogModel, jobsPlace, jpeg } from '../support/jobs.ts'

const PICTURES = 24

describe('boxlet jobs', () => {
  let folder: string
  let photos: string
  let where: string[]
  let work: string[]
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-cli-jobs-'))
    photos = join(folder, 'photos')
    await mkdir(photos)
    for (let n = 0; n < PICTURES; n++) {
      await writeFile(join(photos, `${n}.jpg`), await jpeg(n))
    }
    await writeFile(join(photos, 'broken.jpg'), 'no picture')
    await writeFile(join(folder, 'dogs.onnx'), dogModel())
    await writeFile(join(folder, 'policy.yaml'), 'review: [{label: dog, minCount: 2}]')
    where = ['--store', join(folder, 'store')]
    work = [...where, '--model', `dogs=${join(folder, 'dogs.onnx')}`, '--workers', '1']
  })
  afterAll(() => rm(folder, { recursive: true }))

  const run = async (...args: string[]) => {
    const { code, out, err } = await boxlet(['jobs', ...args])
    return { code, out, err, json: () => JSON.parse(out) }
  }

  it('submits a folder, is stopped, and goes on where it was', async () => {
    const stop = new AbortController()
    const first = await boxlet(['jobs', 'submit', photos, '--format', 'json', ...work])
    expect(first.code).toBe(0)
    const [{ id, batch }] = JSON.parse(first.out)
    expect(batch).toBe('photos')
    setTimeout(() => stop.abort(), 1500)
    const stopped = await boxlet(['jobs', 'submit', photos, '--wait', ...work], { signal: stop.signal })
    expect(stopped.out).toContain(id)
    const rest = await run('wait', id, '--policy', join(folder, 'policy.yaml'), ...work)
    expect(rest.code).toBe(1)
    expect(rest.out).toContain(`${PICTURES} succeeded, 1 failed`)
    const shown = await run('show', id, ...where)
    expect(shown.out).toMatch(/dog +24 pictures +48 objects/)
    expect(shown.out).toContain('broken.jpg: Expected a JPEG')
    const listed = await run('list', ...where)
    expect(listed.out).toContain(`${PICTURES + 1}/${PICTURES + 1}, 1 failed`)
  })

  it('makes another job for another model or policy, and goes on with the model of the job', async () => {
    const apart = ['--store', join(folder, 'apart')]
    const pictures = [join(photos, '1.jpg'), join(photos, '2.jpg')]
    const policy = join(folder, 'policy.yaml')
    const cats = `cats=${join(folder, 'dogs.onnx')}`
    const submit = async (...args: string[]): Promise<string> =>
      (await run('submit', ...pictures, '--format', 'json', ...args, ...apart)).json()[0].id
    const plain = await submit()
    const ids = [plain, await submit('--model', cats), await submit('--policy', policy)]
    expect(new Set(ids).size).toBe(3)
    expect(await submit('--model', cats)).toBe(ids[1])
    await run('cancel', plain, ...apart)
    await run('cancel', ids[2]!, ...apart)
    const other = await submit('--model', `dogs=${join(folder, 'dogs.onnx')}`)
    const waited = await run('wait', ids[1]!, '--workers', '1', ...apart)
    expect([waited.code, waited.out]).toEqual([0, expect.stringMatching(/2 succeeded[\s\S]*model +cats/)])
    // A worker leaves pictures of a model that it lacks to others.
    expect((await run('show', other, ...apart)).out).toContain('0 succeeded, 0 failed')
    expect((await run('wait', other, '--model', cats, ...apart)).err).toContain('Expected --model dogs')
    expect((await run('wait', other, '--workers', '1', ...apart)).out).toContain('2 succeeded')
  })

  it('fetches no private address of a list, whoever submitted it, unless it is told to', async () => {
    const list = join(folder, 'private.csv')
    await writeFile(list, 'http://127.0.0.1:1/a.jpg\nhttps://127.0.0.1:1/b.jpg\n')
    const refused = await run('submit', '--manifest', list, '--wait', ...work)
    expect(refused.code).toBe(1)
    const [{ id }] = (await run('list', '--limit', '1', '--format', 'json', ...where)).json().jobs
    const shown = await run('show', id, ...where)
    expect(shown.out).toContain('2 failed')
    expect(shown.out).not.toContain('URL_FAILED')
  })

  it('makes no store of a name that was typed wrongly', async () => {
    const wrong = ['--store', join(folder, 'typo')]
    for (const words of [
      ['list'],
      ['search', '--label', 'dog'],
      ['prune'],
      ['backup', join(folder, 'copy-of-it')],
    ]) {
      const { code, err } = await run(...words, ...wrong)
      expect([code, err]).toEqual([3, expect.stringContaining('there is none')])
    }
    expect(await readdir(folder)).not.toContain('typo')
  })

  it('prints a name with a line end in one line', async () => {
    const list = join(folder, 'names.jsonl')
    await writeFile(list, `${JSON.stringify({ 'source-ref': 'gone.jpg', name: 'a\nboxlet: all is well' })}\n`)
    const done = await run('submit', '--manifest', list, '--wait', ...work)
    const [{ id }] = (await run('list', '--limit', '1', '--format', 'json', ...where)).json().jobs
    const shown = await run('show', id, ...where)
    expect(`${done.out}${done.err}${shown.out}`).not.toMatch(/^boxlet: all is well/m)
    expect(shown.out).toContain('a\\u000aboxlet')
  })

  it('finds and exports', async () => {
    const found = await run('search', '--label', 'dog', '--count', '>=2', '--min-score', '0.6', ...where)
    expect([found.code, found.out.split('\n').length - 1]).toEqual([0, PICTURES])
    expect((await run('search', '--label', 'zebra', ...where)).code).toBe(1)
    const csv = await run('export', '--label', 'dog', '--format', 'csv', ...where)
    expect(csv.out.trim().split('\r\n')).toHaveLength(1 + PICTURES * 3)
    const coco = await run('export', '--label', 'dog', '--format', 'coco', ...where)
    expect(coco.json()).toHaveLength(PICTURES * 3)
    const out = join(folder, 'labels')
    await run('export', '--label', 'cat', '--format', 'yolo', '--out', out, ...where)
    expect((await readdir(out, { recursive: true })).filter((name) => name.endsWith('.txt'))).toHaveLength(
      PICTURES,
    )
    const set = join(folder, 'set')
    const written = await run('export', '--label', 'cat', '--set', set, ...where)
    expect(written.code).toBe(0)
    const { images, annotations } = JSON.parse((await readFile(join(set, 'instances.json'))).toString())
    expect([images.length, annotations.length]).toEqual([PICTURES, PICTURES * 3])
    expect(await readdir(join(set, 'images'))).toHaveLength(PICTURES)
  })

  it('refuses a webhook that could not be called, before it submits', async () => {
    for (const url of ['notaurl', 'http://shop.example/hook', 'https://127.0.0.1/hook']) {
      const refused = await run('submit', join(photos, '1.jpg'), '--webhook', url, ...where)
      expect([refused.code, refused.out, refused.err]).toEqual([
        3,
        '',
        expect.stringContaining('URL_REFUSED'),
      ])
    }
  })

  it('cancels, tries again, copies and prunes', async () => {
    const [{ id }] = (await run('submit', join(photos, '1.jpg'), '--format', 'json', ...where)).json()
    expect((await run('cancel', id, ...where)).out).toContain('0/1, 1 cancelled')
    const waited = await run('wait', id, ...where)
    expect([waited.code, waited.err]).toEqual([1, expect.stringContaining(`boxlet jobs retry ${id}`)])
    expect((await run('cancel', id, ...where)).err).toContain('JOB_CONFLICT')
    expect((await run('retry', id, ...where)).out).toContain('queued')
    expect((await run('redrive', ...where)).err).toContain('0 pictures and 0 webhooks queued again')
    const copy = join(folder, 'copy')
    expect((await run('backup', copy, ...where)).code).toBe(0)
    expect((await run('restore', copy, '--store', join(folder, 'other'))).code).toBe(0)
    expect((await run('list', '--store', join(folder, 'other'))).out).toContain(id)
    expect((await run('prune', ...where)).err).toContain('deleted 0 jobs')
    expect((await run('show', 'nothing', ...where)).code).toBe(3)
  })

  it('does the same on a service', async () => {
    const place = await jobsPlace()
    const jobs = await startJobs({
      open: () => openHome(join(place.folder, 'remote')),
      detectors: { defaultName: 'dogs', get: async () => place.detector },
      concurrency: 1,
      blobStore: undefined,
      urls: 'off',
      maxBytes: 2 ** 20,
      fetchMs: 1000,
      onNotice: () => {},
    })
    const app = createApp({ detectors: singleDetector(place.detector, undefined, 'dogs'), jobs: jobs.offer })
    const server = await listen(app, { host: '127.0.0.1', port: 0 })
    const there = ['--endpoint', server.url]
    const first = (await run('submit', photos, '--format', 'json', ...there)).json() as { id: string }[]
    const again = (await run('submit', photos, '--format', 'json', ...there)).json() as { id: string }[]
    expect(again.map(({ id }) => id).sort()).toEqual(first.map(({ id }) => id).sort())
    const waited = await run('wait', '--batch', 'photos', '--format', 'json', ...there)
    const counts = (waited.json() as { counts: { succeeded: number; failed: number } }[]).map(
      (job) => job.counts,
    )
    expect(counts.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(PICTURES)
    expect(counts.reduce((sum, { failed }) => sum + failed, 0)).toBe(1)
    expect((await run('search', '--label', 'dog', ...there)).out.split('\n').length - 1).toBe(PICTURES)
    expect((await run('export', '--label', 'dog', '--set', join(folder, 'x'), ...there)).code).toBe(2)
    server.destroy()
    await server.close()
    await jobs.stop(1000)
    await place[Symbol.asyncDispose]()
  })
})
