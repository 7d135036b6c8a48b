export const openApiDocument = (version: string): object => ({
  openapi: '3.1.0',
  info: { title: 'Boxlet', version },
  paths: {},
})
