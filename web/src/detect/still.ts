/** What the camera sees now, as JPEG; null before its first picture. */
export async function still(
  video: HTMLVideoElement,
  longest = Number.POSITIVE_INFINITY,
): Promise<Blob | null> {
  if (video.videoWidth === 0) {
    return null
  }
  const scale = Math.min(1, longest / Math.max(video.videoWidth, video.videoHeight))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(video.videoWidth * scale)
  canvas.height = Math.round(video.videoHeight * scale)
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9))
}
