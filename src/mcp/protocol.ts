/**
 * The Model Context Protocol as far as a server of tools needs it: JSON-RPC 2.0 with `initialize`, `ping`,
 * `tools/list` and `tools/call`. The official package brings a web server and 98 packages for it.
 */
import * as v from 'valibot'
import { toBoxletError } from '../errors.ts'

/** Revisions whose messages for tools are the same; the newest is offered to a client with another. */
const VERSIONS = ['2025-06-18', '2025-03-26', '2024-11-05']

export type Content = { type: 'text'; text: string } | { type: 'image'; data: string; mimeType: string }

export interface ToolResult {
  content: Content[]
  /** The same as data, for clients that read it. */
  structuredContent?: object
}

export interface Tool {
  name: string
  title: string
  description: string
  inputSchema: object
  /**
   * @param caller whose turn at the workers it takes, where there are several
   * @throws BoxletError for anything that the model at the other end should read
   */
  call(args: Readonly<Record<string, unknown>>, signal: AbortSignal, caller?: string): Promise<ToolResult>
}

export interface McpServer {
  version: string
  tools: readonly Tool[]
}

const MESSAGE = v.object({
  jsonrpc: v.literal('2.0'),
  id: v.optional(v.union([v.string(), v.number()])),
  method: v.string(),
  params: v.optional(v.record(v.string(), v.unknown()), {}),
})

const CALL = v.object({
  name: v.string(),
  arguments: v.optional(v.record(v.string(), v.unknown()), {}),
})

/** Codes of JSON-RPC. */
const INVALID_REQUEST = -32600
const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602
export const PARSE_ERROR = -32700

/** The answer to one message; undefined for one that asks for none. */
export async function answer(
  message: unknown,
  server: McpServer,
  signal: AbortSignal,
  caller?: string,
): Promise<object | undefined> {
  const read = v.safeParse(MESSAGE, message)
  if (!read.success) {
    // An answer of the client, which this server never asks for one.
    return v.is(v.object({ result: v.unknown() }), message)
      ? undefined
      : failure(null, INVALID_REQUEST, 'Expected a JSON-RPC 2.0 request.')
  }
  const { id, method, params } = read.output
  if (id === undefined) {
    return undefined
  }
  switch (method) {
    case 'initialize':
      return success(id, hello(params, server.version))
    case 'ping':
      return success(id, {})
    case 'tools/list':
      return success(id, { tools: server.tools.map(({ call: _call, ...tool }) => describe(tool)) })
    case 'tools/call':
      return callTool(id, params, server, signal, caller)
    default:
      return failure(
        id,
        METHOD_NOT_FOUND,
        `Expected a method of tools but received "${method.slice(0, 40)}".`,
      )
  }
}

const describe = (tool: Omit<Tool, 'call'>) => ({
  ...tool,
  annotations: { readOnlyHint: true, openWorldHint: false },
})

function hello({ protocolVersion }: Readonly<Record<string, unknown>>, version: string): object {
  const known = VERSIONS.find((entry) => entry === protocolVersion)
  return {
    protocolVersion: known ?? VERSIONS[0],
    capabilities: { tools: {} },
    serverInfo: { name: 'boxlet', title: 'Boxlet', version },
    instructions:
      'Finds objects in pictures on this machine. Boxes are x1, y1, x2, y2 in pixels of the upright picture.',
  }
}

async function callTool(
  id: string | number,
  params: unknown,
  { tools }: McpServer,
  signal: AbortSignal,
  caller: string | undefined,
): Promise<object> {
  const call = v.safeParse(CALL, params)
  const tool = call.success ? tools.find(({ name }) => name === call.output.name) : undefined
  if (!call.success || tool === undefined) {
    return failure(
      id,
      INVALID_PARAMS,
      `Expected one of the tools ${tools.map(({ name }) => name).join(', ')}.`,
    )
  }
  try {
    return success(id, await tool.call(call.output.arguments, signal, caller))
  } catch (error) {
    const { message, hint, code } = toBoxletError(error)
    const text = `${[message, hint].filter(Boolean).join(' ')} [${code}]`
    return success(id, { content: [{ type: 'text', text }], isError: true })
  }
}

const success = (id: string | number, result: object) => ({ jsonrpc: '2.0', id, result })

export const failure = (id: string | number | null, code: number, message: string) => ({
  jsonrpc: '2.0',
  id,
  error: { code, message },
})
