/**
 * Events of a stream as they come.
 *
 * source  WHATWG HTML standard, "Server-sent events"
 */
export async function* eventsOf(response: Response): AsyncGenerator<{ event: string; data: string }> {
  if (response.body === null) {
    return
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) {
      return
    }
    text += value
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line) ?? [])
      const of = (name: string) =>
        fields.filter(([, field]) => field === name).map(([, , given]) => given ?? '')
      const data = of('data')
      if (data.length > 0) {
        yield { event: of('event')[0] ?? 'message', data: data.join('\n') }
      }
    }
  }
}
