export function DocsView({ attempt }: { attempt: number }) {
  return <p>{attempt}</p>
}
