{{- define "fashen.name" -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "fashen.selector" -}}
app.kubernetes.io/name: fashen
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fashen.labels" -}}
{{ include "fashen.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "fashen.settings" -}}
{{- $own := dict "data" "/data" "store" "mongodb" "mongodb-prefix" .Values.mongodb.prefix "http" ":8080" "grpc" ":9090" "metrics" ":9100" -}}
{{- toYaml (merge $own .Values.settings) -}}
{{- end -}}
