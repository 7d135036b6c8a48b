/**
 * Turns off the usage reports of ONNX Runtime. Its Linux builds write a device id and a database into the home
 * folder and send reports over HTTPS unless this variable is set before the library is loaded. Nobody who runs a
 * detector asked for that, and on Lambda it costs time at every cold start.
 *
 * The library reads the environment of the process, and a worker thread only has a copy of it: who starts
 * workers calls this first, in the main thread. A value that the user has set is left as it is.
 */
export function turnOffTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= '1'
}
