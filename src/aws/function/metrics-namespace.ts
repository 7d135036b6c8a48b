/** Namespace of all metrics; the alarms and the dashboard of the template name it too. */
export const METRICS_NAMESPACE = 'Boxlet'
