import { describe, expect, it } from 'vitest'
import type { HttpResult } from '../../src/aws/function/answers.ts'
import { Entry } from '../../src/aws/function/entry.ts'
import { functionUrl, httpApi } from './events.ts'
import { cloudFormationFacts } from './templates-forms.ts'

const ORIGIN = 'https://a.example'
const ALLOW = 'access-control-allow-origin'
type Cors = { AllowOrigins: string[] } | undefined

interface Stack {
  variables: Record<string, string>
  url: Cors
  api: Cors
}

function stackOf(chosen: Record<string, string>): Stack {
  const { Function: main, Url, Api } = cloudFormationFacts(chosen)
  const { Variables } = main!.Environment as { Variables: Record<string, string> }
  return { variables: Variables, url: Url?.Cors as Cors, api: Api?.CorsConfiguration as Cors }
}

async function answer(variables: Record<string, string>, event: unknown): Promise<HttpResult> {
  // No model, so that requests that are let in end in an error, which a page has to be able to read too.
  const entry = await Entry.create({ ...variables, LAMBDA_TASK_ROOT: '/nowhere', BOXLET_OPT: '/nowhere' })
  return (await entry.handle(event, {
    awsRequestId: 'r',
    getRemainingTimeInMillis: () => 10_000,
  })) as HttpResult
}

/** Values that the function sends for the header, and those that the front adds or puts in their place. */
function merged(front: 'url' | 'api', cors: Cors, { headers = {} }: HttpResult): string[] {
  const own = Object.entries(headers)
    .filter(([name]) => name.toLowerCase() === ALLOW)
    .map(([, value]) => String(value))
  if (cors === undefined) {
    return own
  }
  const configured = cors.AllowOrigins.includes('*')
    ? ['*']
    : cors.AllowOrigins.filter((one) => one === ORIGIN)
  // Lambda adds its headers to those of the function; API Gateway throws the function's away.
  // Sources: Lambda developer guide, "Cross-origin resource sharing"; API Gateway's, "Configure CORS for HTTP APIs".
  return front === 'url' ? [...own, ...configured] : configured
}

const nobody = { headers: { origin: ORIGIN }, caller: null }
const somebody = { headers: { origin: ORIGIN } }

describe('a page of another origin', () => {
  it.each([
    ['refused', nobody],
    ['let in', somebody],
  ])('is told once that it may read the answer when it is %s', async (_name, parts) => {
    const url = stackOf({ CorsOrigins: `${ORIGIN},https://b.example` })
    expect(
      merged('url', url.url, await answer(url.variables, functionUrl('GET', '/v1/models', parts))),
    ).toEqual([ORIGIN])
    const api = stackOf({ CorsOrigins: ORIGIN, Front: 'http-api' })
    expect(merged('api', api.api, await answer(api.variables, httpApi('GET', '/v1/models', parts)))).toEqual([
      ORIGIN,
    ])
  })

  it('is told nothing where nobody has named it', async () => {
    const { variables, url } = stackOf({})
    expect(merged('url', url, await answer(variables, functionUrl('GET', '/v1/models', somebody)))).toEqual(
      [],
    )
  })

  it('is told by the function where no front does it', async () => {
    const variables = { ...stackOf({}).variables, BOXLET_CORS_ORIGINS: ORIGIN }
    expect(
      merged('url', undefined, await answer(variables, functionUrl('GET', '/v1/models', somebody))),
    ).toEqual([ORIGIN])
  })

  it('would be told twice if both did it, as this test would see', async () => {
    const { variables, url } = stackOf({ CorsOrigins: ORIGIN })
    const both = { ...variables, BOXLET_CORS_ORIGINS: ORIGIN }
    expect(merged('url', url, await answer(both, functionUrl('GET', '/v1/models', somebody)))).toHaveLength(2)
  })
})
