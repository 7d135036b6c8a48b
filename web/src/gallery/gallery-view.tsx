export function GalleryView({ attempt }: { attempt: number }) {
  return <p>{attempt}</p>
}
