/** Native libraries of a Lambda package. Written by scripts/native-parts.js from package-lock.json. */
import type { Architecture } from './architecture.ts'

export interface NativePart {
  package: string
  version: string
  /** Of the published package. */
  integrity: string
  /** In the published package. */
  path: string
  /** In the zip. */
  target: string
  bytes: number
  sha256: string
}

export const NATIVE_PARTS: Record<Architecture, readonly NativePart[]> = {
  arm64: [
    {
      package: 'onnxruntime-node',
      version: '1.30.0',
      integrity:
        'sha512-twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw==',
      path: 'package/bin/napi-v6/linux/arm64/libonnxruntime.so.1',
      target: 'native/onnxruntime/libonnxruntime.so.1',
      bytes: 25135496,
      sha256: '1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76',
    },
    {
      package: 'onnxruntime-node',
      version: '1.30.0',
      integrity:
        'sha512-twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw==',
      path: 'package/bin/napi-v6/linux/arm64/onnxruntime_binding.node',
      target: 'native/onnxruntime/onnxruntime_binding.node',
      bytes: 394648,
      sha256: 'afec78dc11d38dc81605b068cefe1fc73ffe77ca240c15468aa40786150beac8',
    },
    {
      package: '@img/sharp-linux-arm64',
      version: '0.35.5',
      integrity:
        'sha512-LYVx5JTsOM2CBzmxreh+nl64/3H6Xb09iSLknqH47z2T2DFFxDeFLP5y4dJwe6H7uGQlHPyEEtIqyo3DYsRwdQ==',
      path: 'package/lib/sharp-linux-arm64-0.35.5.node',
      target: 'native/sharp-linux-arm64/lib/sharp-linux-arm64-0.35.5.node',
      bytes: 530120,
      sha256: '6c3c549bd1bae0fe0b34832917a39950abd4db8feea874f8447ed07cded7854b',
    },
    {
      package: '@img/sharp-libvips-linux-arm64',
      version: '1.3.4',
      integrity:
        'sha512-Y3dgX/6lE2QhQb+Gxy0WZxfg9MEm/JBjamZpS2IklP7xIQoKN4hzAm7KcMVGtaVDt3neE9OKBC7vAfonA/Lr1A==',
      path: 'package/lib/libvips-cpp.so.8.18.7',
      target: 'native/sharp-libvips-linux-arm64/lib/libvips-cpp.so.8.18.7',
      bytes: 18324712,
      sha256: '97c2ae9a663cd3de58a34d68820994e49e0e261fddbd4616bd726a72610bbc8f',
    },
  ],
  x86_64: [
    {
      package: 'onnxruntime-node',
      version: '1.30.0',
      integrity:
        'sha512-twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw==',
      path: 'package/bin/napi-v6/linux/x64/libonnxruntime.so.1',
      target: 'native/onnxruntime/libonnxruntime.so.1',
      bytes: 45828512,
      sha256: 'ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23',
    },
    {
      package: 'onnxruntime-node',
      version: '1.30.0',
      integrity:
        'sha512-twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw==',
      path: 'package/bin/napi-v6/linux/x64/onnxruntime_binding.node',
      target: 'native/onnxruntime/onnxruntime_binding.node',
      bytes: 389488,
      sha256: 'ccdc60b981d93a490cf9513d3f583547252b6e285b72988a96a494f2f006c7b8',
    },
    {
      package: '@img/sharp-linux-x64',
      version: '0.35.5',
      integrity:
        'sha512-SxFtLTeJInhAA9Q836kux2vZNeOBQEx658qvbboZScr0wIARym3IcGmW7KpVD5sbVg0Ojy+udFQdayYIZyoNog==',
      path: 'package/lib/sharp-linux-x64-0.35.5.node',
      target: 'native/sharp-linux-x64/lib/sharp-linux-x64-0.35.5.node',
      bytes: 415112,
      sha256: 'cf896cc1b7f3ae9c3e8eb3d7b2b198b8de2824ff7d0681d684bab5a825def335',
    },
    {
      package: '@img/sharp-libvips-linux-x64',
      version: '1.3.4',
      integrity:
        'sha512-GJ//SSXbnwSDes02umB3nDJLFcQzw8a18V8fyhqr6tV515tOEMdImjjxj1AoafMRz56F3PHgftnj1QEKSU1zkw==',
      path: 'package/lib/libvips-cpp.so.8.18.7',
      target: 'native/sharp-libvips-linux-x64/lib/libvips-cpp.so.8.18.7',
      bytes: 18699288,
      sha256: '4aa73553408c3964071728f4a231a8e86918e39bc49f1fbae75355f7ea933ea9',
    },
  ],
}
