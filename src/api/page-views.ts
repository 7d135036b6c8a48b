/** Addresses of the page that are views of one program; the server gives the same file for each. */
export const PAGE_VIEWS = { detect: '/', gallery: '/gallery', docs: '/docs' } as const
