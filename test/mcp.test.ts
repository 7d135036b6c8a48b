import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBearerKey } from '../src/api/auth/create-key.ts'
import { openDataset } from '../src/datasets/open.ts'
import { changeKeys } from '../src/server/key-file.ts'
import { startTestService, type TestService } from './support/service.ts'
import { streetBytes, streetModel } from './support/street.ts'

const BIN = resolve(import.meta.dirname, '../bin/boxlet.js')

type Result = {
  content: { type: string; text?: string; data?: string; mimeType?: string }[]
  structuredContent?: Record<string, unknown>
  isError?: boolean
}

/** The official client, over both transports. */
describe('tools for assistants', () => {
  let folder: string
  let inside: string
  let service: TestService
  let key: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-mcp-'))
    inside = join(folder, 'inside')
    await mkdir(inside)
    await writeFile(join(folder, 'outside.jpg'), streetBytes)
    await writeFile(join(inside, 'street.jpg'), streetBytes)
    await symlink(join(folder, 'outside.jpg'), join(inside, 'link.jpg'))
    const images = [{ id: 1, file_name: 'street.jpg', width: 810, height: 1080 }]
    const annotations = [
      { id: 1, image_id: 1, category_id: 6, bbox: [20, 230, 780, 530], area: 413_400, iscrowd: 0 },
    ]
    const categories = [{ id: 6, name: 'bus' }]
    const set = { images, annotations, categories }
    await writeFile(join(inside, 'set.json'), JSON.stringify(set))
    const escaping = { ...set, images: [{ ...images[0], file_name: '../outside.jpg' }] }
    await writeFile(join(inside, 'escaping.json'), JSON.stringify(escaping))
    const created = await createBearerKey('test', new Date())
    key = created.key
    const keyFile = join(folder, 'keys.json')
    await changeKeys(keyFile, (keys) => [...keys, created.stored])
    service = await startTestService({ keyFile, requireKeys: true, clients: ['mcp'], mcpFolders: [inside] })
  })
  afterAll(async () => {
    await service?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const overStdio = () =>
    new StdioClientTransport({
      command: process.execPath,
      args: [BIN, 'mcp', inside, '--model', `tiny=${streetModel()}`],
      env: { PATH: process.env.PATH ?? '', HOME: folder },
      stderr: 'pipe',
    })
  const overHttp = () =>
    new StreamableHTTPClientTransport(new URL('/mcp', service.url), {
      requestInit: { headers: { authorization: `Bearer ${key}` } },
    })

  it.each([
    ['standard input and output', overStdio, 'tiny'],
    ['HTTP', overHttp, 'yolox-nano'],
  ] as const)('detect, annotate, inspect and evaluate over %s', async (_name, transport, model) => {
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(transport() as Parameters<Client['connect']>[0])
    const call = async (name: string, args: object = {}) =>
      (await client.callTool({ name, arguments: { ...args } })) as unknown as Result
    try {
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toEqual([
        'list_models',
        'detect',
        'annotate',
        'inspect',
        'evaluate',
      ])
      expect((await call('list_models')).structuredContent).toMatchObject({ models: [{ name: model }] })
      const found = await call('detect', { path: 'street.jpg', minScore: 0.5 })
      expect(found.structuredContent).toMatchObject({ source: 'street.jpg', width: 810 })
      expect(found.structuredContent?.detections).toHaveLength(4)
      expect(JSON.parse(found.content[0]!.text!)).toEqual(found.structuredContent)
      const sent = { image: Buffer.from(streetBytes).toString('base64'), classes: ['bus'] }
      expect((await call('detect', sent)).structuredContent?.detections).toHaveLength(1)
      const drawn = await call('annotate', { path: join(inside, 'street.jpg') })
      expect(drawn.content[0]).toMatchObject({ type: 'image', mimeType: 'image/jpeg' })
      const bytes = Buffer.from(drawn.content[0]!.data!, 'base64')
      expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: 810, height: 1080 })
      expect((await call('inspect', { model })).structuredContent).toMatchObject({ family: 'yolox' })
      expect((await call('evaluate', { data: 'set.json' })).structuredContent).toMatchObject({
        pictures: 1,
        objects: 1,
        ap50: 1,
      })
      for (const [name, args, code] of [
        ['detect', { path: '../outside.jpg' }, 'FORBIDDEN'],
        ['detect', { path: 'link.jpg' }, 'FORBIDDEN'],
        ['detect', { path: join(folder, 'outside.jpg') }, 'FORBIDDEN'],
        ['detect', { path: '/etc/hostname' }, 'FORBIDDEN'],
        ['detect', { path: 'nothing.jpg' }, 'FORBIDDEN'],
        ['annotate', { url: 'http://169.254.169.254/latest' }, 'URL_REFUSED'],
        ['detect', { path: 'street.jpg', image: 'AAAA' }, 'REQUEST_INVALID'],
        ['detect', { path: 'street.jpg', conf: 0.5 }, 'REQUEST_INVALID'],
        ['detect', { path: 'street.jpg', model: 'other' }, 'MODEL_NOT_FOUND'],
        ['inspect', { path: 'x' }, 'REQUEST_INVALID'],
        ['evaluate', { data: 'escaping.json' }, 'DATASET_INVALID'],
        ['evaluate', { data: '/' }, 'FORBIDDEN'],
      ] as const) {
        const refused = await call(name, args)
        expect([args, refused.isError, refused.content[0]?.text]).toEqual([
          args,
          true,
          expect.stringContaining(`[${code}]`),
        ])
      }
      await expect(client.callTool({ name: 'delete' })).rejects.toThrow('Expected one of the tools')
    } finally {
      await client.close()
    }
  })

  it('reads no labels outside of its folders, linked or named', async () => {
    const hidden = join(folder, 'hidden')
    const set = join(inside, 'linked')
    await mkdir(hidden)
    await writeFile(join(hidden, 'street.txt'), '0 0.5 0.45 0.9 0.5\n')
    await writeFile(join(hidden, 'street.xml'), '<annotation><object/></annotation>')
    await mkdir(join(set, 'images'), { recursive: true })
    await writeFile(join(set, 'images/street.jpg'), streetBytes)
    await symlink(hidden, join(set, 'labels'))
    await writeFile(join(set, 'data.yaml'), 'val: images\nnames: [bus]\n')
    await writeFile(join(inside, 'elsewhere.yaml'), `path: ${hidden}\nval: .\nnames: [bus]\n`)
    expect((await openDataset(join(set, 'data.yaml'))).annotations).toHaveLength(1)
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(overHttp() as Parameters<Client['connect']>[0])
    try {
      const measured = async (data: string) =>
        (await client.callTool({ name: 'evaluate', arguments: { data } })) as unknown as Result
      expect((await measured('linked')).structuredContent).toMatchObject({ pictures: 1, objects: 0 })
      expect((await measured('elsewhere.yaml')).structuredContent).toMatchObject({ objects: 0 })
    } finally {
      await client.close()
    }
  })

  it.each([
    ['pixels', { pixels: 100_000 }],
    ['bytes', { pictureBytes: 1_000 }],
  ])('keeps to the limit of %s of the service', async (_of, limits) => {
    const small = await startTestService({ clients: ['mcp'], mcpFolders: [inside], limits })
    try {
      const client = new Client({ name: 'test', version: '1' })
      const transport = new StreamableHTTPClientTransport(new URL('/mcp', small.url))
      await client.connect(transport as Parameters<Client['connect']>[0])
      for (const [name, args] of [
        ['detect', { path: 'street.jpg' }],
        ['detect', { image: Buffer.from(streetBytes).toString('base64') }],
        ['annotate', { path: 'street.jpg' }],
      ] as const) {
        const { isError, content } = (await client.callTool({ name, arguments: args })) as unknown as Result
        expect([isError, content[0]?.text]).toEqual([
          true,
          expect.stringMatching(/\[(IMAGE|REQUEST)_TOO_LARGE\]/),
        ])
      }
      const measured = await client.callTool({ name: 'evaluate', arguments: { data: 'set.json' } })
      expect((measured as unknown as Result).content[0]?.text).toContain('[DATASET_INVALID]')
      await client.close()
    } finally {
      await small.stop()
    }
  })

  it('asks for the key of the service, and takes one message at a time', async () => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
    const post = (body: string, more: Record<string, string> = headers) =>
      fetch(`${service.url}/mcp`, { method: 'POST', body, headers: more })
    const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
    expect((await post(ping, { 'content-type': 'application/json' })).status).toBe(401)
    expect(await (await post(ping)).json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
    expect((await post('{"jsonrpc":"2.0","method":"notifications/initialized"}')).status).toBe(202)
    expect((await post(`[${ping}]`)).status).toBe(400)
    expect(await (await post('{"jsonrpc":"2.0","id":2,"method":"resources/list"}')).json()).toMatchObject({
      id: 2,
      error: { code: -32601 },
    })
    expect(await (await post('{"id":2}')).json()).toMatchObject({ id: null, error: { code: -32600 } })
    expect((await fetch(`${service.url}/mcp`, { headers })).status).toBe(405)
  })
})
