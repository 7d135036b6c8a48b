import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { singleDetector, testApp } from '../../../test/support/app.ts'
import { OPTION_NAMES, parseOptions } from '../native/detect-options.ts'
import { openApiDocument } from './document.ts'

const stub = singleDetector({
  model: { name: 'x', family: 'x', sha256: '', licence: null, contract: {}, evidence: [] },
} as never)

describe('the OpenAPI document', () => {
  const document = openApiDocument('1.2.3')

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)))
    expect(result.valid ? [] : result.errors).toEqual([])
  })

  it('is served without a key', async () => {
    const response = await testApp(stub, { version: '1.2.3' }).send('/openapi.json')
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)))
  })

  it('names only paths and methods that the application answers', async () => {
    const { send } = testApp(stub, {
      observer: { request: () => {}, render: async () => ({ contentType: 'text/plain', body: '' }) },
    })
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods)) {
        const headers = path === '/' ? { 'x-amz-target': 'RekognitionService.DetectLabels' } : undefined
        const init = { method: method.toUpperCase(), ...(headers && { headers }) }
        const response = await send(path.replace('{name}', 'tiny').replace('{version}', '1'), init)
        expect([path, method, response.status === 405]).toEqual([path, method, false])
        if (response.status === 404) {
          // Jobs need a store, and raw tensors a model; test/openapi.test.ts asks an application that has them.
          expect(path).toMatch(/^\/v2\/models|^\/v1\/(jobs|search)|^\/tflite-sqs/)
        }
      }
    }
  })

  it('names the paths of a model with its version as those without', () => {
    const paths = Object.keys(document.paths)
    for (const end of ['', '/ready', '/infer']) {
      expect(paths).toContain(`/v2/models/{name}${end}`)
      expect(paths).toContain(`/v2/models/{name}/versions/{version}${end}`)
    }
  })

  it('names every option that a request may carry', () => {
    const named = document.paths['/v1/detect'].post.parameters.map(({ name }) => name)
    expect(named.sort()).toEqual([...OPTION_NAMES].sort())
  })

  it('takes in a query and in JSON what the document says, and nothing beyond its ranges', () => {
    const ajv = new Ajv()
    const inBody = document.components.schemas.DetectBody.properties as unknown as Record<string, object>
    const reads = (name: string, value: unknown): boolean => {
      try {
        parseOptions([[name, value]])
        return true
      } catch {
        return false
      }
    }
    const tried = [-1, -0.001, 0, 0.5, 0.9, 0.901, 1, 1.001, 2.5, 31, 32, 65_536, 65_537, 100_000, 100_001]
    const others = [true, false, null, {}, [], ['cat', 0], [''], [-1], [0.5], { size: 64 }, { size: 1 }]
    for (const { name, schema } of document.paths['/v1/detect'].post.parameters) {
      const isText = (schema as { type: string }).type === 'string'
      const [query, json] = [ajv.compile(schema), ajv.compile(isText ? { type: 'array' } : schema)]
      for (const value of tried.filter(() => !isText)) {
        expect([name, value, reads(name, String(value))]).toEqual([name, value, query(value)])
        expect([name, value, reads(name, value)]).toEqual([name, value, json(value)])
      }
      const body = ajv.compile(inBody[name]!)
      for (const value of [...tried, ...others]) {
        expect([name, value, reads(name, value)]).toEqual([name, value, body(value)])
      }
    }
  })
})
