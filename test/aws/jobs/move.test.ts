import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AwsJobHome, openAwsHome } from '../../../src/aws/jobs/home.ts'
import type { BlobRef } from '../../../src/jobs/blob-store.ts'
import type { JobHome } from '../../../src/jobs/home.ts'
import { moveJobs } from '../../../src/jobs/move.ts'
import { JobService } from '../../../src/jobs/service.ts'
import { openHome } from '../../../src/local/home.ts'
import { finishOne } from '../../support/finish.ts'
import { type Moto, startMoto } from '../moto.ts'
import { motoServer } from '../tools.ts'
import { makeJobStack, region } from './stack.ts'

describe.skipIf(motoServer === undefined)('jobs on their way to AWS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-move-aws-'))
  const outer = { ...process.env }
  let moto: Moto
  let aws: AwsJobHome

  beforeAll(async () => {
    moto = await startMoto(motoServer as string)
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: region,
    })
    const { places } = await makeJobStack(moto.endpoint, 'move')
    aws = openAwsHome({ ...places, endpoint: moto.endpoint, region }, [])
  }, 60_000)
  afterAll(async () => {
    await aws?.close()
    await moto?.stop()
    await rm(folder, { recursive: true })
    process.env = outer
  })

  const move = (from: JobHome, to: JobHome) =>
    moveJobs({
      from,
      to,
      readFile: async () => undefined,
      getManifest: () => Promise.reject(new Error('not here')),
      signal: new AbortController().signal,
    })
  const dog = {
    state: 'succeeded' as const,
    found: {
      model: 'key',
      altText: 'A picture of one dog.',
      image: {
        source: 'a.jpg',
        width: 100,
        height: 80,
        timings: { decode: 1, prepare: 1, run: 1, boxes: 1, total: 4 },
        detections: [
          { label: 'dog', classId: 0, score: 0.9, box: [0, 0, 10, 10] as [number, number, number, number] },
        ],
      },
    },
  }

  it('are there as they were, go on there, and come back', async () => {
    const local = await openHome(join(folder, 'one'))
    const service = new JobService(local.store, local.pictures)
    const bytes = Buffer.from('a picture')
    const picture = async (name: string) => ({
      name,
      source: { kind: 'blob' as const, ref: await local.blobs.keep(bytes), owned: true as const },
      ...(name === 'v.jpg' && { arrival: { identity: 'v', sequencer: '02' } }),
    })
    const half = await service.submit('ann', {
      options: { detect: { minScore: 0.5 } },
      batch: 'tray',
      key: 'k',
      pictures: [await picture('a.jpg'), await picture('b.jpg')],
    })
    const over = await service.submit('ann', { options: {}, pictures: [await picture('v.jpg')] })
    for (const id of [half.job.id, over.job.id]) {
      await local.store.start({ tenant: 'ann', job: id, n: 0 })
      await finishOne(local.store, { tenant: 'ann', job: id, n: 0 }, dog)
    }

    expect(await move(local, aws)).toMatchObject({ jobs: 2, known: 0, pictures: 3 })
    expect(await move(local, aws)).toMatchObject({ jobs: 0, known: 2 })
    for (const id of [half.job.id, over.job.id]) {
      expect(await aws.store.get('ann', id)).toEqual(await local.store.get('ann', id))
      expect(await aws.store.pictures('ann', id, { limit: 10 })).toEqual(
        await local.store.pictures('ann', id, { limit: 10 }),
      )
      expect(await aws.store.totals('ann', id)).toEqual(await local.store.totals('ann', id))
    }
    const terms = [{ label: 'dog', minScore: 0.5, least: 1 }]
    expect((await aws.store.search('ann', { terms, limit: 10 })).items).toHaveLength(2)
    expect((await aws.store.unsent(10)).map(({ ref }) => ref.n)).toEqual([1])
    const same = await new JobService(aws.store, aws.pictures).submit('ann', {
      options: { detect: { minScore: 0.5 } },
      batch: 'tray',
      key: 'k',
      pictures: [await picture('a.jpg'), await picture('b.jpg')],
    })
    expect(same).toMatchObject({ created: false, job: { id: half.job.id } })

    await aws.store.start({ tenant: 'ann', job: half.job.id, n: 1 })
    expect(await finishOne(aws.store, { tenant: 'ann', job: half.job.id, n: 1 }, dog)).toMatchObject({
      state: 'succeeded',
    })
    const back = await openHome(join(folder, 'two'))
    expect(await move(aws, back)).toMatchObject({ jobs: 2, pictures: 3 })
    expect(await back.store.get('ann', half.job.id)).toEqual(await aws.store.get('ann', half.job.id))
    const { source } = (await back.store.pictures('ann', over.job.id, { limit: 1 })).items[0]!
    expect(Buffer.from(await back.blobs.get((source as unknown as { ref: BlobRef }).ref))).toEqual(bytes)
    await back.close()
    await local.close()
  }, 120_000)
})
